"""Report formats: diagnostics in, text out. Each built-in format is a module of this package."""

from qtgen.validation.reports.registry import (
    FORMATS,
    ReportContext,
    ReportFormat,
    format_names,
    get_format,
    report_format,
)

__all__ = ["FORMATS", "ReportContext", "ReportFormat", "format_names", "get_format", "report_format"]
