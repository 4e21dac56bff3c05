/** Cuts a list into batches, bounded in number and in bytes. */

/** In order; an item that is too large by itself is a batch of its own. */
export const batchesOf = <Item>(
  items: ReadonlyArray<Item>,
  sizeOf: (item: Item) => number,
  sizeMax: number,
  countMax = Number.POSITIVE_INFINITY
): ReadonlyArray<ReadonlyArray<Item>> => {
  const batches: Array<Array<Item>> = []
  let room = 0
  for (const item of items) {
    const size = sizeOf(item)
    const last = batches.at(-1)
    if (last === undefined || size > room || last.length >= countMax) {
      batches.push([item])
      room = sizeMax - size
    } else {
      last.push(item)
      room -= size
    }
  }
  return batches
}
