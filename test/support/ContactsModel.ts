/** Friendships, requests and blocks as the protocol tells of them (section 2.2), in plain collections. */
import type { FriendRequestId } from "../../src/domain/shared/Ids.ts"
import { HandleResult, type RequestResponse } from "../../src/domain/shared/Request.ts"

/** The numbers of section 2.3 that contacts are refused with. */
export const codes = {
  badParameters: 100_002,
  conflict: 100_007,
  limited: 100_008,
  userNotFound: 200_003,
  blocked: 300_003,
  noRequest: 300_007
} as const

export interface ModelRequest {
  readonly from: string
  readonly to: string
  result: HandleResult
  /** As the store has named it. */
  id: FriendRequestId | undefined
}

export class ContactsModel {
  /** Oldest first. */
  requests: ReadonlyArray<ModelRequest> = []
  private readonly friendships = new Set<string>()
  private readonly blocks = new Set<string>()

  /** The request that asking leads to, or the code with which it is refused. */
  ask(from: string, to: string): ModelRequest | number {
    if (from === to) return codes.badParameters
    if (this.isBlocked(from, to)) return codes.blocked
    if (this.areFriends(from, to)) return codes.conflict
    const [own, others] = [this.waiting(from, to), this.waiting(to, from)]
    if (own !== undefined) return own
    if (others !== undefined) {
      this.pass(others)
      return others
    }
    const request: ModelRequest = { from, to, result: HandleResult.none, id: undefined }
    this.requests = [...this.requests.filter((one) => !(isOf(one, from, to) && isCancelled(one))), request]
    return request
  }

  /** The code with which the answer is refused, if it is. */
  answer(by: string, request: ModelRequest, answer: RequestResponse): number | undefined {
    if (by !== (answer === HandleResult.cancel ? request.from : request.to)) return codes.noRequest
    if (request.result === answer) return undefined
    if (answer === HandleResult.pass && this.isBlocked(request.from, request.to)) return codes.blocked
    if (request.result !== HandleResult.none) return codes.conflict
    if (answer === HandleResult.pass) this.pass(request)
    else request.result = answer
    return undefined
  }

  remove(one: string, other: string): void {
    this.friendships.delete(`${one}/${other}`)
    this.friendships.delete(`${other}/${one}`)
  }

  block(by: string, other: string): void {
    this.blocks.add(`${by}/${other}`)
    for (const request of [this.waiting(by, other), this.waiting(other, by)]) {
      if (request !== undefined) request.result = HandleResult.cancel
    }
  }

  unblock(by: string, other: string): void {
    this.blocks.delete(`${by}/${other}`)
  }

  areFriends(one: string, other: string): boolean {
    return this.friendships.has(`${one}/${other}`)
  }

  blocksOf(by: string, other: string): boolean {
    return this.blocks.has(`${by}/${other}`)
  }

  isBlocked(one: string, other: string): boolean {
    return this.blocksOf(one, other) || this.blocksOf(other, one)
  }

  private waiting(from: string, to: string): ModelRequest | undefined {
    return this.requests.find((one) => isOf(one, from, to) && one.result === HandleResult.none)
  }

  private pass(request: ModelRequest): void {
    request.result = HandleResult.pass
    this.friendships.add(`${request.from}/${request.to}`)
    this.friendships.add(`${request.to}/${request.from}`)
  }
}

const isOf = (request: ModelRequest, from: string, to: string): boolean => request.from === from && request.to === to
const isCancelled = (request: ModelRequest): boolean => request.result === HandleResult.cancel
