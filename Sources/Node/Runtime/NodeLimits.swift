/// Numbers of our own choice, each with its reason.
package enum NodeLimits {
    /// How often keys and certificates are looked at: they last days, and testing networks minutes.
    static let maintenanceInterval = Duration.seconds(15)
    /// How long loops have for their last DESTROYs: a local write.
    static let farewell = Duration.milliseconds(50)
    /// How long a log's server may say nothing, in seconds.
    package static let logStall: Int64 = 30
    /// The least time between two readings of a log: peers can make us want one, not more.
    static let logSpacing = Duration.seconds(5)
    /// A log's entries on disk: as many as we follow, and lists among them.
    static let logFile = 64 << 20
}
