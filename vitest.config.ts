import { defineConfig } from "vitest/config"

/** Against a server with clocks of its own a test may have to wait for them. */
const wireMillis = process.env["WIRE_URL"] ? 180_000 : 30_000

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/CountReporter.ts"],
    projects: [
      {
        test: {
          name: "source",
          include: ["test/**/*.test.ts"],
          exclude: ["test/wire/**"],
          // What the process runs with, the tests run with.
          setupFiles: ["effect/schema/SchemaJITCompiler/enable"],
          testTimeout: 30_000
        }
      },
      {
        test: {
          name: "wire",
          include: ["test/wire/*.test.ts"],
          // Runs only when a file of this project does.
          globalSetup: ["./test/wire/support/globalSetup.ts"],
          testTimeout: wireMillis,
          // Its tests wait for the server's clocks most of the time: all files at once, after the other project.
          maxWorkers: 12,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
