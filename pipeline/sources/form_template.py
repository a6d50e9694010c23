"""The form as an empty workbook: instructions, a sheet a kind, lists to choose from."""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.sources.form_layout import HEADER_ROW, HELP, ROWS, SHEETS, Language, Sheet


def fill_template(language: Language) -> Workbook:
    """The empty form as a workbook."""
    book = Workbook()
    page = book.worksheets[0]
    title, lines = HELP[language]
    page.title = title
    page.column_dimensions["A"].width = 110
    for number, line in enumerate(lines, start=1):
        cell = page.cell(number, 1, line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=number == 1, size=14 if number == 1 else 11)
    for sheet in SHEETS:
        _fill_sheet(book.create_sheet(sheet.title[language]), sheet, language)
    return book


def _fill_sheet(page: Worksheet, sheet: Sheet, language: Language) -> None:
    page["A1"] = sheet.title[language].upper()
    page["A1"].font = Font(bold=True, size=14)
    page["A2"] = sheet.hint[language]
    page.freeze_panes = f"A{HEADER_ROW + 1}"
    for number, column in enumerate(sheet.columns, start=1):
        letter = get_column_letter(number)
        head = page.cell(HEADER_ROW, number, column.heading[language] + (" *" if column.needed else ""))
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="DDE6EE")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        page.column_dimensions[letter].width = column.width
        if column.choices:
            at = 1 if language == "id" else 2
            words = ",".join(choice[at] for choice in column.choices)
            rule = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True, showErrorMessage=True)
            rule.add(f"{letter}{HEADER_ROW + 1}:{letter}{HEADER_ROW + ROWS}")
            page.add_data_validation(rule)
