"""The stages of the flow, a thin file each; none imports another."""
