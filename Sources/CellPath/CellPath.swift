// CellPath
