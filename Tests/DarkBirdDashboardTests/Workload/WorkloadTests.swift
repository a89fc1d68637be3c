import Testing

/// All tests of the workload and its latencies; `--filter WorkloadTests` runs them. One after the other, for some run
/// threads against the clock.
@Suite(.serialized) enum WorkloadTests {}
