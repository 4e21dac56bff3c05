/** The tests that `pnpm mutate` runs: folders in `MUTATION_TESTS`. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: (process.env["MUTATION_TESTS"] ?? "test/unit").split(",").map((folder) => `${folder}/*.test.ts`),
    // Takes as long as all the others, and those that start processes reach no mutant.
    exclude: [
      "test/conformance/order.test.ts",
      "test/integration/process.test.ts",
      "test/integration/storeFaults.test.ts"
    ],
    setupFiles: ["effect/schema/SchemaJITCompiler/enable", "./test/support/propertySize.ts"],
    env: { PROPERTIES_UNSHRUNK: "1" },
    testTimeout: 600_000
  }
})
