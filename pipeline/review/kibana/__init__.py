"""Kibana's saved objects: built from a small description, checked against the mapping, pushed to a running Kibana."""

from __future__ import annotations

from pathlib import Path

from pipeline.review.kibana.build import FILE, build
from pipeline.review.kibana.check import check
from pipeline.review.kibana.dataview import INDEX
from pipeline.review.kibana.looking import Problem
from pipeline.review.kibana.push import Pushed, push

FOLDER = Path(__file__).resolve().parent
"""Where the shipped objects lie."""

__all__ = ["FILE", "FOLDER", "INDEX", "Problem", "Pushed", "build", "check", "push"]
