/** The lines of a change that are mutated. */
import { assert, describe, it } from "@effect/vitest"
import { changedLines } from "../../scripts/mutation/ChangedLines.ts"

const diff = `diff --git a/src/a.ts b/src/a.ts
--- a/src/a.ts
+++ b/src/a.ts
@@ -3 +3,2 @@ export
-old
+new
+newer
@@ -9,2 +10,0 @@
-gone
-gone
@@ -20,0 +20 @@
+one
diff --git a/docs/b.md b/docs/b.md
+++ b/docs/b.md
@@ -1 +1 @@
+text
diff --git a/src/c.ts b/src/c.ts
--- /dev/null
+++ b/src/c.ts
@@ -0,0 +1,25 @@
+…
`

const isCode = (file: string) => file.endsWith(".ts")

describe("the lines of a change", () => {
  it("are those that it adds or replaces, in the files that count", () => {
    assert.deepStrictEqual(changedLines(diff, isCode, 100), {
      ranges: ["src/a.ts:3-4", "src/a.ts:20-20", "src/c.ts:1-10", "src/c.ts:11-20", "src/c.ts:21-25"],
      lines: 28,
      left: 0
    })
  })

  it("are a part from all over it where they are too many, and the rest is counted", () => {
    const { ranges, lines, left } = changedLines(diff, isCode, 14)
    assert.isAtMost(lines, 14)
    assert.isAtLeast(lines, 5)
    assert.strictEqual(lines + left, 28)
    assert.isTrue(ranges.some((range) => range.startsWith("src/a.ts")))
    assert.isTrue(ranges.some((range) => range.startsWith("src/c.ts")))
  })

  it("are none of an empty change", () => {
    assert.deepStrictEqual(changedLines("", isCode, 100), { ranges: [], lines: 0, left: 0 })
  })
})
