/// Puts the roles together that a configuration asks for.
func makeNode(_ start: NodeStart) async throws -> any NodeRunner {
    throw CommandFailure("this build of fanion has no roles to run")
}
