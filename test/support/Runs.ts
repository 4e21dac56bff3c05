/** How often properties on a real store are tried: a short form for every run, a long one by name (`pnpm test:long`). */
const isLong = process.env["TEST_LONG"] === "1"

/** The runs of a property: `long` of them by name, otherwise a quarter. */
export const runsOf = (long: number): number => (isLong ? long : Math.ceil(long / 4))
