"""Reports: folds over the stream of records, each on its own, live or from a saved file."""
