export const changesSuite = (..._: ReadonlyArray<unknown>) => {}
