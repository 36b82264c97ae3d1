"""What is raised where a page cannot be drawn."""


class ReportError(ValueError):
    """A document of the bundle cannot be shown; names document, key and defect, and quotes no value."""
