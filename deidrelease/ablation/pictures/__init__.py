"""Pictures of an ablation, as SVG and PNG: readable in print, in grey, and by all common kinds of colour vision."""
