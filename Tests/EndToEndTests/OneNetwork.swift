import Testing

/// Everything that is tried on one running network of Fanion, one case after the other.
@Suite(.serialized, .fanionNetwork)
enum OneNetwork {}
