export const conversationListsSuite = (..._: ReadonlyArray<unknown>) => {}
