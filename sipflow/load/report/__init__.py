"""What people and programs get of a load run: terminal, JSON, CSV, HTML, all folds of a `LoadResult`."""
