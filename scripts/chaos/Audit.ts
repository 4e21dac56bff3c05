/** Reads back what is stored, as its members see it, and holds it against what was promised (protocol.md section 4). */
import { codeOf, codes, field, listField, readMessage, type StoredMessage, textField } from "../harness/Wire.ts"
import { contentOf, conversationOf, type Device } from "./Device.ts"
import { messageKey } from "./View.ts"
import type { Violations } from "./Violations.ts"

const pageMax = 200

/** The whole conversation by `conversation.history`. */
async function* readHistory(device: Device, conversationID: string): AsyncGenerator<StoredMessage> {
  for (let afterSeq = 0, hasMore = true; hasMore; ) {
    const frame = await device.ask("conversation.history", { conversationID, afterSeq, limit: pageMax })
    if (codeOf(frame) === codes.noConversation) return
    if (codeOf(frame) !== 0) throw new Error(`the history of ${conversationID} was refused with ${codeOf(frame)}`)
    const { data } = frame
    const page = listField(data, "messages").map(readMessage)
    yield* page
    afterSeq = page.at(-1)?.seq ?? afterSeq
    hasMore = field(data, "hasMore") === true && page.length > 0
  }
}

/** Everything of all conversations by `conversation.sync`, as a new device asks for it. */
async function* readSync(device: Device): AsyncGenerator<StoredMessage> {
  for (let cursor: string | undefined, hasMore = true; hasMore; ) {
    const { data } = await device.ask("conversation.sync", cursor === undefined ? {} : { cursor })
    cursor = textField(data, "cursor")
    for (const conversation of listField(data, "conversations")) {
      yield* listField(conversation, "messages").map(readMessage)
    }
    hasMore = field(data, "hasMore") === true
  }
}

/** One member's messages of a conversation. */
class Side {
  private readonly device: Device
  private readonly partner: number
  private readonly seen = new Set<number>()
  private lastInOrder = -1

  constructor(device: Device, other: Device) {
    this.device = device
    this.partner = device.partners.indexOf(other.account)
  }

  nameOf(number: number): string {
    return `message ${number} of ${this.device.account.name}`
  }

  check(message: StoredMessage, violations: Violations): void {
    const { ledger, account } = this.device
    const number = Number(message.clientId)
    const place = `${message.conversationID} #${message.seq}`
    if (this.seen.has(number)) return violations.add("doubled", `${this.nameOf(number)} is at ${place} again`)
    this.seen.add(number)
    if (ledger.partnerOf(number) !== this.partner || message.content !== contentOf(account, number)) {
      violations.add("altered", `${place} says "${message.content}", sent was ${this.nameOf(number)}`)
    }
    const promised = ledger.promisedOf(number)
    if (promised !== undefined && (promised.seq !== message.seq || promised.messageId !== message.messageId)) {
      violations.add("contradicted", `${this.nameOf(number)} was promised at #${promised.seq}, and is at ${place}`)
    }
    if (!ledger.keepsOrder(number)) return
    if (number < this.lastInOrder) {
      violations.add("out of order", `${this.nameOf(number)} is at ${place}, after ${this.nameOf(this.lastInOrder)}`)
    }
    this.lastInOrder = Math.max(this.lastInOrder, number)
  }

  /** Acknowledged messages that are missing. */
  checkKept(violations: Violations): void {
    const { ledger } = this.device
    for (let number = 0; number < ledger.sent; number++) {
      if (ledger.partnerOf(number) !== this.partner || this.seen.has(number)) continue
      if (ledger.promisedOf(number) !== undefined) violations.add("lost", this.nameOf(number))
    }
  }
}

/** Checks one conversation in the history of one member; answers its messages by seq. */
const auditConversation = async (
  one: Device,
  other: Device,
  violations: Violations
): Promise<ReadonlyArray<string>> => {
  const conversationID = conversationOf(one.account, other.account)
  const sides = new Map([
    [one.account.userId, new Side(one, other)],
    [other.account.userId, new Side(other, one)]
  ])
  const ids: Array<string> = []
  for await (const message of readHistory(one, conversationID)) {
    ids.push(message.messageId)
    if (message.seq !== ids.length) {
      violations.add("gap", `${conversationID} has #${message.seq} where #${ids.length} should be`)
      return ids
    }
    const side = sides.get(message.sendId)
    if (side === undefined) violations.add("altered", `${conversationID} #${message.seq} is by ${message.sendId}`)
    side?.check(message, violations)
    for (const device of [one, other]) {
      const key = messageKey(message.sendId === device.account.userId, Number(message.clientId))
      const seen = device.views.get(conversationID)?.at(message.seq)
      if (seen !== undefined && seen !== key) {
        violations.add(
          "contradicted",
          `${device.account.name} has seen another message at ${conversationID} #${message.seq}`
        )
      }
    }
  }
  for (const side of sides.values()) side.checkKept(violations)
  for (const device of [one, other]) {
    const upTo = device.views.get(conversationID)?.upTo ?? 0
    if (upTo < ids.length) {
      violations.add("not found again", `${device.account.name} lacks ${conversationID} #${upTo + 1} of ${ids.length}`)
    }
  }
  return ids
}

/** Checks everything: each conversation in one member's history, and in the other's sync. */
export const audit = async (devices: ReadonlyArray<Device>, violations: Violations): Promise<number> => {
  const stored = new Map<string, ReadonlyArray<string>>()
  const byAccount = new Map(devices.map((device) => [device.account, device]))
  const pairs = devices.flatMap((one, index) =>
    one.partners.flatMap((partner) => {
      const other = byAccount.get(partner)
      return other === undefined || devices.indexOf(other) < index ? [] : [[one, other] as const]
    })
  )
  let count = 0
  for (const [one, other] of pairs) {
    const ids = await auditConversation(one, other, violations)
    stored.set(conversationOf(one.account, other.account), ids)
    count += ids.length
  }
  for (const device of devices) {
    const synced = new Map<string, number>()
    for await (const { conversationID, seq, messageId } of readSync(device)) {
      synced.set(conversationID, (synced.get(conversationID) ?? 0) + 1)
      if (stored.get(conversationID)?.[seq - 1] === messageId) continue
      violations.add("contradicted", `${device.account.name}'s sync has another message at ${conversationID} #${seq}`)
    }
    for (const conversationID of device.views.keys()) {
      const [found, wanted] = [synced.get(conversationID) ?? 0, stored.get(conversationID)?.length ?? 0]
      if (found === wanted) continue
      const what = `${device.account.name}'s sync has ${found} of ${wanted} messages of ${conversationID}`
      violations.add("not found again", what)
    }
  }
  return count
}
