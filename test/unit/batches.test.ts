/** How a list is cut into batches (`src/layers/shared/Batches.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { batchesOf } from "../../src/layers/shared/Batches.ts"

const sizes = (items: ReadonlyArray<number>, sizeMax: number, countMax?: number) =>
  batchesOf(items, (item) => item, sizeMax, countMax)

describe("batches", () => {
  it("are filled to the last place, in order", () => {
    assert.deepStrictEqual(sizes([], 10), [])
    assert.deepStrictEqual(sizes([4, 6, 1], 10), [[4, 6], [1]])
    assert.deepStrictEqual(sizes([4, 7, 3, 1], 10), [[4], [7, 3], [1]])
    assert.deepStrictEqual(sizes([1, 2, 3, 4, 5, 6], 6), [[1, 2, 3], [4], [5], [6]])
  })

  it("have an item alone that is too large", () => {
    assert.deepStrictEqual(sizes([1, 50, 1, 1], 10), [[1], [50], [1, 1]])
    assert.deepStrictEqual(sizes([50, 0], 10), [[50], [0]])
  })

  it("have so many items at most", () => {
    assert.deepStrictEqual(sizes([0, 0, 0, 0, 0], 10, 2), [[0, 0], [0, 0], [0]])
    assert.deepStrictEqual(sizes([0, 0], 10, 1), [[0], [0]])
  })
})
