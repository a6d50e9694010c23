"""What leaves the desk for people: tables as CSV and XLSX, the daily summary, and coarse words softened."""
