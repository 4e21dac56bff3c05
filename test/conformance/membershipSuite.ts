export const membershipSuite = (..._: ReadonlyArray<unknown>) => {}
