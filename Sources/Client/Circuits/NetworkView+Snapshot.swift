internal import Directory
package import Node
package import Paths

extension NetworkView {
    /// What a node's directory store knows; nil before there is a microdescriptor consensus.
    package init?(_ snapshot: DirectorySnapshot) {
        guard let consensus = snapshot.consensus(.microdesc) else { return nil }
        self.init(consensus) { snapshot.microdescriptors[$0] }
    }
}
