"""The explorer of the store: workloads, power cuts between any two operations, and promises."""
