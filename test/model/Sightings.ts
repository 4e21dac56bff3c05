/** What only the server knows of messages, and must say the same of each whenever it comes. */
import { assert } from "@effect/vitest"

export interface Sighting {
  readonly conversationID: string
  readonly seq: number
  readonly messageId?: string
  readonly clientId?: string
  readonly sendTime?: number
}

export class Sightings {
  private readonly byPlace = new Map<string, Sighting>()
  private readonly placeOf = new Map<string, string>()

  see({ conversationID, seq, messageId, clientId, sendTime }: Sighting): void {
    const place = `${conversationID}/${seq}`
    const now = {
      ...(messageId === undefined ? {} : { messageId }),
      ...(clientId === undefined ? {} : { clientId }),
      ...(sendTime === undefined ? {} : { sendTime })
    }
    const before = this.byPlace.get(place)
    assert.deepInclude({ ...now, ...before }, now, `the message ${place} is another one than before`)
    this.byPlace.set(place, { conversationID, seq, ...before, ...now })
    if (messageId === undefined) return
    assert.strictEqual(this.placeOf.get(messageId) ?? place, place, "one id for two messages")
    this.placeOf.set(messageId, place)
  }

  messageId(conversationID: string, seq: number): string | undefined {
    return this.byPlace.get(`${conversationID}/${seq}`)?.messageId
  }
}
