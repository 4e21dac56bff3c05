/**
 * Loaded before the tests: how large what properties are tried on may get. Without it a list has ten elements at most,
 * whatever its schema allows, and most have fewer than three; with it each schema's own limits are what bounds it.
 */
import { Arbitrary } from "effect"

/** Who only wants to know whether a property holds (`pnpm mutate`) does not look for its smallest counterexample. */
const isOnlyAsked = process.env["PROPERTIES_UNSHRUNK"] === "1"

Arbitrary.configureGlobal({ check: { size: 60, ...(isOnlyAsked ? { maxShrinks: 0 } : {}) } })
