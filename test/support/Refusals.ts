/** Refused drafts, in short. */
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { type ErrorName, errorTable } from "../../src/domain/shared/ErrorTable.ts"

/** The number of a row of the error table. */
export const codeOf = (name: ErrorName | undefined): number | undefined => name && errorTable[name].code

const names = new Map<number, string>(Object.entries(errorTable).map(([name, { code }]) => [code, name]))

/** `Stored 3`, `Duplicate 3`, or the name of the error. */
export const briefOf = (result: AppendResult): string =>
  result._tag === "Rejected" ? (names.get(result.error.code) ?? "") : `${result._tag} ${result.message.seq}`

/** The name of an error's row. */
export const nameOf = ({ code }: { readonly code: number }): string => names.get(code) ?? ""
