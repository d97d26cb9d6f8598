import Cells
import Testing
import Trust

@Suite struct MerkleTests {
    /// The eight leaves and roots that every implementation of RFC 6962 is tested with (from Google's Certificate Transparency).
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]
    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    static func tree(_ count: Int) -> MerkleTree {
        var tree = MerkleTree()
        for index in 0..<count { tree.append(.leaf(Array("leaf \(index)".utf8))) }
        return tree
    }

    @Test func `the published roots come out`() throws {
        var tree = MerkleTree()
        #expect(
            try Base16.encode(#require(tree.root(size: 0)).bytes)
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for (leaf, root) in zip(Self.leaves, Self.roots) {
            tree.append(.leaf(try #require(Base16.decode(leaf))))
            #expect(try Base16.encode(#require(tree.root(size: tree.size)).bytes) == root)
        }
        // And later still, at every earlier size.
        for (index, root) in Self.roots.enumerated() {
            #expect(try Base16.encode(#require(tree.root(size: UInt64(index + 1))).bytes) == root)
        }
        #expect(tree.root(size: 9) == nil)
    }

    @Test func `the published proofs come out`() throws {
        var tree = MerkleTree()
        for leaf in Self.leaves { tree.append(.leaf(try #require(Base16.decode(leaf)))) }
        func words(_ proof: [MerkleHash]?) -> [String] { (proof ?? []).map { Base16.encode($0.bytes) } }
        #expect(tree.inclusionProof(of: 0, size: 1) == [])
        #expect(
            words(tree.inclusionProof(of: 0, size: 8)) == [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ])
        #expect(
            words(tree.consistencyProof(from: 6, to: 8)) == [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ])
        #expect(tree.consistencyProof(from: 9, to: 9) == nil)
    }

    @Test func `every entry of every tree is proved, and nothing else`() throws {
        let tree = Self.tree(40)
        for size in 1...UInt64(40) {
            let root = try #require(tree.root(size: size))
            for index in 0..<size {
                let proof = try #require(tree.inclusionProof(of: index, size: size))
                let leaf = try #require(tree.leaf(index))
                func holds(_ leaf: MerkleHash, _ index: UInt64, _ size: UInt64, _ proof: [MerkleHash]) -> Bool {
                    MerkleProof.isIncluded(leaf, at: index, size: size, root: root, proof: proof)
                }
                #expect(holds(leaf, index, size, proof))
                #expect(!holds(.empty, index, size, proof))
                #expect(!holds(leaf, index, size, proof + [.empty]))
                #expect(!holds(leaf, size, size, proof))
                if index + 1 < size { #expect(!holds(leaf, index + 1, size, proof)) }
                for place in proof.indices {
                    var damaged = proof
                    damaged[place] = .empty
                    #expect(!holds(leaf, index, size, damaged))
                }
                if !proof.isEmpty { #expect(!holds(leaf, index, size, proof.dropLast())) }
            }
            #expect(tree.inclusionProof(of: size, size: size) == nil)
        }
    }

    @Test func `every tree is proved to continue every earlier one, and no other`() throws {
        let tree = Self.tree(40)
        for size in 1...UInt64(40) {
            let root = try #require(tree.root(size: size))
            for old in 0...size {
                let oldRoot = try #require(tree.root(size: old))
                let proof = try #require(tree.consistencyProof(from: old, to: size))
                func holds(_ oldRoot: MerkleHash, _ root: MerkleHash, _ proof: [MerkleHash]) -> Bool {
                    MerkleProof.isConsistent(from: old, oldRoot, to: size, root, proof: proof)
                }
                #expect(holds(oldRoot, root, proof))
                #expect(!holds(.leaf([1]), root, proof))
                if old > 0 { #expect(!holds(oldRoot, .leaf([1]), proof)) }
                #expect(!holds(oldRoot, root, proof + [.empty]))
                for place in proof.indices {
                    var damaged = proof
                    damaged[place] = .empty
                    #expect(!holds(oldRoot, root, damaged))
                    damaged.remove(at: place)
                    #expect(!holds(oldRoot, root, damaged))
                }
            }
        }
    }

    @Test func `tiles are where the format says`() throws {
        #expect(TilePath(.hashes(level: 0), index: 1_234_067)?.description == "tile/0/x001/x234/067")
        #expect(TilePath(.hashes(level: 2), index: 0, count: 1)?.description == "tile/2/000.p/1")
        #expect(TilePath(.entries, index: 1000, count: 255)?.description == "tile/entries/x001/000.p/255")
        #expect(TilePath(.hashes(level: 64), index: 0) == nil && TilePath(.entries, index: 0, count: 0) == nil)
        // The example of tlog-tiles: 70,000 entries.
        let tiles = TilePath.tiles(to: 70_000)
        func count(_ level: Int, _ isFull: Bool) -> Int {
            tiles.count { $0.content == .hashes(level: level) && ($0.count == 256) == isFull }
        }
        #expect(count(0, true) == 273 && count(0, false) == 1 && count(1, true) == 1 && count(1, false) == 1)
        #expect(count(2, false) == 1 && tiles.count == 273 + 4)
        #expect(tiles.filter { $0.count < 256 }.map(\.count) == [112, 17, 1])
        #expect(TilePath.tiles(to: 256).map(\.description) == ["tile/0/000", "tile/1/000.p/1"])
        #expect(TilePath.tiles(from: 70_000, to: 70_000).isEmpty)
        #expect(
            TilePath.bundles(from: 300, to: 600).map(\.description) == ["tile/entries/001", "tile/entries/002.p/88"])
        let tree = Self.tree(600)
        let tile = try #require(TilePath(.hashes(level: 1), index: 0, count: 2))
        let second = try #require(tree.contents(of: tile))
        #expect(second.count == 64 && Array(second.prefix(32)) == tree.root(size: 256)?.bytes)
        #expect(tree.contents(of: try #require(TilePath(.hashes(level: 1), index: 0, count: 3))) == nil)
    }
}
