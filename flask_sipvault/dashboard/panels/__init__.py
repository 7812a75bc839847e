"""The panels of the call page, one package each."""
