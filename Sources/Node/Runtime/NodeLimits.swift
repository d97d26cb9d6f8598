/// Numbers of our own choice, each with its reason.
package enum NodeLimits {
    /// How often keys and certificates are looked at: they last days, and testing networks minutes.
    static let maintenanceInterval = Duration.seconds(15)
    /// How long loops have for their last DESTROYs: a local write.
    static let farewell = Duration.milliseconds(50)
}
