/** Carries a user's commands out on one of their devices: over its socket, or over HTTP. */
import { Effect, type Scope } from "effect"
import type { TestServer } from "../support/TestServer.ts"
import { request } from "../support/Users.ts"
import type { Command, Outcome } from "./Commands.ts"
import type { Device } from "./Device.ts"
import type { Person } from "./People.ts"

const changeMethods = { 8: "message.recall", 9: "message.edit", 10: "message.react" } as const

/** What came of an HTTP request: its data, or the code of a refusal. */
export const call = (method: string, path: string, { token }: Person, body?: object) =>
  Effect.map(request(method, `/v1/${path}`, { token, ...(body === undefined ? {} : { body }) }), (answer) =>
    answer.status === 200 ? { data: answer.body.data } : { code: answer.body.code as number }
  )

const outcomeOf = (
  method: string,
  path: string,
  user: Person,
  body?: object,
  told: (data: never) => Outcome = () => ({})
) =>
  Effect.map(
    call(method, path, user, body),
    (answer): Outcome => ("data" in answer ? told(answer.data as never) : answer)
  )

/** The first invitation to each group, by which those join who are no members. */
const invitations = new Map<string, { readonly id: string; readonly code: string }>()

const invite = (groupId: string, founder: Person) =>
  Effect.map(call("POST", "social/group/invitations", founder, { groupId, usesMax: 2_000 }), (answer) => {
    if (!("data" in answer)) throw new Error(`no invitation to ${groupId}: ${answer.code}`)
    invitations.set(groupId, answer.data.invitation)
  })

/** `loseAnswer` cuts a device off before it hears of what is sent under an id, so that it sends it again. */
export const carryOut = (
  device: Device,
  command: Command,
  loseAnswer: boolean
): Effect.Effect<Outcome, Error, Scope.Scope | TestServer> => {
  const { user } = device
  switch (command.kind) {
    case "say": {
      const { id, to, content } = command
      const data = { chatType: to.chatType, receiveId: to.receiveId, message: { messageType: 0, content } }
      return device.request({ id, method: "conversation.chat", data, loseAnswer })
    }
    case "change": {
      const { id, to, seq, type, content } = command
      const more = type === 8 ? {} : type === 9 ? { content } : { reaction: content }
      const data = { conversationID: to.conversationID, seq, ...more }
      return device.request({ id, method: changeMethods[type], data, loseAnswer })
    }
    case "found": {
      const { id: clientId, name, userIds } = command
      const told = ({ groupId }: { readonly groupId: string }): Outcome => ({ conversationID: groupId })
      const founding = outcomeOf("POST", "social/group", user, { clientId, name, userIds }, told)
      return Effect.tap(founding, (outcome) => {
        const groupId = "conversationID" in outcome ? outcome.conversationID : undefined
        return groupId === undefined || invitations.has(groupId) ? Effect.void : invite(groupId, user)
      })
    }
    case "bring": {
      const { groupId, userIds } = command
      if (userIds.some((id) => id !== user.id)) {
        return outcomeOf("POST", "social/group/putIn", user, { groupId, userIds })
      }
      const { id, code } = invitations.get(groupId) ?? {}
      const body = { groupId, ...(code === undefined ? {} : { invitation: code }) }
      return outcomeOf(
        "POST",
        "social/group/putIn",
        user,
        body,
        (): Outcome => (id === undefined ? {} : { invitation: id })
      )
    }
    case "remove":
      return outcomeOf("DELETE", `social/group/users?groupId=${command.groupId}&userId=${command.userId}`, user)
    case "role": {
      const { groupId, userId, role } = command
      return outcomeOf("PUT", "social/group/users", user, { groupId, userId, roleLevel: role })
    }
    case "read":
      return device.markRead(command.conversationID, command.seq)
    case "arrange":
      return outcomeOf("PUT", "im/conversation", user, { conversationList: command.changes })
    case "setUp": {
      const { receiveId, chatType } = command.to
      const told = ({ conversationId }: { readonly conversationId: string }): Outcome => ({
        conversationID: conversationId
      })
      return outcomeOf("POST", "im/setup/conversation", user, { sendId: user.id, recvId: receiveId, chatType }, told)
    }
  }
}
