/// Puts the roles together that a configuration asks for.
func makeNode(_ start: NodeStart) async throws -> any NodeRunner {
    try await NodeProgram(start)
}
