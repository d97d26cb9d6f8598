import EBPF
import Testing

@Suite struct ArenaPoolTests {
    private func module(_ text: String = "exit", arenaSize: Int = 16 << 10, windows: [Int] = []) throws -> Module {
        let object = Object(instructions: try Assembler.assemble(text))
        return try Module(object, options: Module.Options(arenaSize: arenaSize, windows: windows))
    }

    @Test(arguments: [16 << 10, 64 << 10, 256 << 10, 1 << 20])
    func `a slot comes back clean at every size`(arenaSize: Int) throws {
        let module = try module(arenaSize: arenaSize)
        let pool = ArenaPool()
        var mapped = 0
        for round in 0..<3 {
            do {
                // More than one slab holds, so that slots share pages with others.
                var one = try Instance(of: module, in: pool)
                var other = try Instance(of: module, in: pool)
                #expect(one.read(0..<arenaSize).allSatisfy { $0 == 0 })
                one.write([UInt8](repeating: 0xff, count: arenaSize), at: 0)
                #expect(other.read(0..<arenaSize).allSatisfy { $0 == 0 })
                other.write([1], at: arenaSize - 1)
                #expect(one.read(arenaSize - 1..<arenaSize) == [0xff])
            }
            if round == 0 { mapped = pool.mappedBytes }
        }
        #expect(pool.mappedBytes == mapped)
    }

    @Test func `a pool keeps to its limit`() throws {
        let module = try module()
        let pool = ArenaPool(limit: 2 << 20)
        try pool.reserve(60, arenaSize: 16 << 10)
        #expect(pool.mappedBytes <= 2 << 20)
        #expect(throws: ArenaPool.Exhausted.limitReached) { try pool.reserve(1000, arenaSize: 16 << 10) }
        #expect(pool.mappedBytes <= 2 << 20)
        #expect(throws: ArenaPool.Exhausted.limitReached) {
            _ = try Instance(of: try self.module(), in: ArenaPool(limit: 4096))
        }
        var instance = try Instance(of: module, in: pool)
        #expect(try instance.call(module.programs[0], fuel: 1) == 0)
    }

    @Test func `thirty thousand instances live at once, each with memory of its own`() throws {
        let module = try module("ldxdw r0, [r10-8]\nadd r0, r1\nstxdw [r10-8], r0\nexit")
        let pool = ArenaPool()
        let count = 30_000
        let crowd = UnsafeMutablePointer<Instance>.allocate(capacity: count)
        defer { crowd.deallocate() }
        for index in 0..<count { (crowd + index).initialize(to: try Instance(of: module, in: pool)) }
        defer { crowd.deinitialize(count: count) }
        for round in 1...2 as ClosedRange<UInt64> {
            for index in 0..<count {
                let argument = UInt64(index)
                #expect(try crowd[index].call(module.programs[0], argument, fuel: 9) == round * argument)
            }
        }
        #expect(pool.mappedBytes < count * 17 << 10)
    }

    @Test func `the layout has data, heap, windows and stack in order and apart`() throws {
        let layout = try module(arenaSize: 64 << 10, windows: [100, 0, 509]).layout
        #expect(layout.size == 64 << 10)
        #expect(layout.data == 16..<16)
        #expect(layout.windows.map(\.count) == [100, 0, 509])
        #expect(layout.windows.allSatisfy { $0.lowerBound % 16 == 0 })
        #expect(layout.stack == (56 << 10)..<(64 << 10))
        let places = [layout.data, layout.heap] + layout.windows + [layout.stack]
        for (one, next) in zip(places, places.dropFirst()) { #expect(one.upperBound <= next.lowerBound) }
    }

    @Test func `an arena begins with the object's data`() throws {
        var elf = try TestELF(sections: [("code", "ldxb r0, [r1+0]\nexit")])
        elf.sections.append(TestELF.Section(name: ".data", flags: 3, bytes: [1, 2, 3, 4, 5]))
        elf.sections.append(TestELF.Section(name: ".bss", type: 8, flags: 3, bytes: [], size: 40))
        let object = try elf.object()
        #expect(object.dataSections.map(\.addresses) == [16..<21, 24..<64])
        let module = try Module(object)
        #expect(module.layout.data == 16..<64)
        let pool = ArenaPool()
        for _ in 0..<2 {
            var instance = try Instance(of: module, in: pool)
            #expect(instance.read(16..<24) == [1, 2, 3, 4, 5, 0, 0, 0])
            #expect(try instance.call(module.programs[0], 20, fuel: 9) == 5)
            instance.write([9, 9, 9, 9, 9], at: 16)
        }
    }
}
