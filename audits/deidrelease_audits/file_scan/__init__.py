"""The scan of a bundle's files for the private corpus, by the code of the audits; found by its entry point."""

from deidrelease_audits.file_scan.scan import Files

__all__ = ["Files"]
