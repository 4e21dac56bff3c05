/**
 * After this time a test gives up: something hangs. It is far longer than anything takes on a machine with ten times more
 * work than processors, and no test asserts that something is quick.
 */
export const hangMillis = 120_000
