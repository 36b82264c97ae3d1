"""Canaries: notes made up to be remembered, so that what a model remembers can be measured."""
