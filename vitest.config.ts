import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

/** Limits are for hangs only: far longer than anything takes on a machine with much other work. */
const hangMillis = 600_000

/** What the process runs with, the tests run with. */
const setupFiles = ["effect/schema/SchemaJITCompiler/enable", "./test/support/propertySize.ts"]

/** One more than the cores: many tests wait for a socket or a commit. */
const maxWorkers = availableParallelism() + 1

/** The black-box suite: its tests wait for the server's clocks most of the time, so that all files run at once. */
const wire = {
  include: ["test/wire/*.test.ts"],
  // Runs only when a file of the project does.
  globalSetup: ["./test/wire/support/globalSetup.ts"],
  testTimeout: hangMillis,
  maxWorkers: 12
}

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/CountReporter.ts"],
    projects: [
      // `pnpm test`: everything that needs no server.
      {
        test: {
          name: "source",
          include: ["test/**/*.test.ts"],
          exclude: ["test/wire/**", "test/infra/**"],
          setupFiles,
          maxWorkers,
          testTimeout: hangMillis,
          hookTimeout: hangMillis
        }
      },
      { test: { ...wire, name: "wire", sequence: { groupOrder: 1 } } },
      // `pnpm test:infra`: what only MySQL and Kafka can show, and the suites from outside once more on them.
      {
        test: {
          name: "infra",
          include: ["test/infra/*.test.ts", "test/integration/*.test.ts", "test/model/*.test.ts"],
          // The embedded store's own faults.
          exclude: ["test/integration/storeFaults.test.ts"],
          env: { TEST_BACKEND: "infra" },
          setupFiles,
          testTimeout: hangMillis,
          hookTimeout: hangMillis,
          sequence: { groupOrder: 2 }
        }
      },
      { test: { ...wire, name: "wire-infra", sequence: { groupOrder: 3 } } }
    ]
  }
})
