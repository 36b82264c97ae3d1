"""What is done with corpora as they are: described, checked, mended into a copy, written in another format."""
