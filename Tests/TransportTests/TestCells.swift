import Cells

@testable import Transport

func testPool() -> CellPool { CellPool(budget: MemoryBudget(limit: 1 << 24)) }
func emptyPool() -> CellPool { CellPool(budget: MemoryBudget(limit: 0)) }
func slotsInUse(_ pool: CellPool) -> Int { pool.liveCount }
func wire(_ cell: borrowing Cell) -> [UInt8] { Array(UnsafeRawBufferPointer(start: cell.wirePointer, count: 514)) }
