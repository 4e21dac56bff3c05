/** What may happen to a group, and what it makes of its members. */
import { type Conversation, newMember, type Role } from "./World.ts"

/** The content of a system message. */
export type GroupEvent =
  | {
      readonly event: "created"
      readonly name: string
      readonly icon: ""
      readonly isVerify: false
      readonly userIds: ReadonlyArray<string>
    }
  | { readonly event: "joined"; readonly userIds: ReadonlyArray<string>; readonly invitation?: string }
  | { readonly event: "left" }
  | { readonly event: "removed"; readonly userIds: ReadonlyArray<string> }
  | { readonly event: "role"; readonly userId: string; readonly role: 1 | 2 | 3 }

/** The new roles that an event gives, or the code with which it is refused. */
export const rolesBy = (
  event: GroupEvent,
  user: string,
  group: Conversation | undefined
): ReadonlyArray<readonly [user: string, role: Role]> | number => {
  const roleOf = (id: string): Role => group?.members.get(id)?.role ?? 0
  const role = roleOf(user)
  if (event.event === "created") {
    const others = new Set(event.userIds)
    others.delete(user)
    return [[user, 1], ...[...others].map((id) => [id, 3] as const)]
  }
  // To strangers it does not exist; but whoever has an invitation joins by themselves.
  const joinsAlone = event.event === "joined" && event.userIds.every((id) => id === user)
  const isOver = [...(group?.members.values() ?? [])].every((member) => member.role === 0)
  if (group === undefined || isOver || (role === 0 && !joinsAlone)) return 300001
  switch (event.event) {
    case "joined": {
      const newcomers = new Set(event.userIds.filter((id) => roleOf(id) === 0))
      return newcomers.size === 0 ? 100007 : [...newcomers].map((id) => [id, 3] as const)
    }
    case "left": {
      const others = [...group.members].some(([id, member]) => id !== user && member.role !== 0)
      return role === 1 && others ? 100005 : [[user, 0]]
    }
    case "removed": {
      const leaving = event.userIds.filter((id) => roleOf(id) !== 0)
      if (role === 3 || leaving.some((id) => roleOf(id) <= role)) return 100005
      return leaving.length === 0 ? 300009 : leaving.map((id) => [id, 0] as const)
    }
    case "role": {
      const { userId, role: given } = event
      if (role !== 1) return 100005
      if (roleOf(userId) === 0) return 300009
      if (userId === user) return given === 1 ? 100007 : 100005
      if (roleOf(userId) === given) return 100007
      return given === 1
        ? [
            [user, 2],
            [userId, 1]
          ]
        : [[userId, given]]
    }
  }
}

/** Gives a role by the message `seq`: a newcomer sees from that message on, and who leaves is told by it. */
export const giveRole = (group: Conversation, user: string, role: Role, seq: number, moment: number): void => {
  const member = group.members.get(user)
  if (member === undefined) {
    group.members.set(user, newMember(role, seq - 1))
    return
  }
  if (member.role === 0) {
    member.joinedSeq = seq - 1
    member.readSeq = Math.max(member.readSeq, seq - 1)
    member.spans.push({ from: seq - 1, to: Number.POSITIVE_INFINITY })
  }
  if (role === 0) {
    member.spans.at(-1)!.to = seq
    member.leftAt = moment
  }
  member.role = role
}
