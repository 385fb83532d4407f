import { createContext, useContext } from 'react'
import { createMessages, type Say, type Text } from './text.ts'

/** Every text of the console. An app may replace some by `startConsole({ messages })`; its own stand in its own catalogue. */
const catalogue = {
  'word.cancel': 'Cancel',
  'word.close': 'Close',
  'word.dismiss': 'Dismiss',
  'word.retry': 'Try again',
  'word.loading': 'Loading',
  'word.optional': 'optional',
  'word.you': 'you',
  'word.back': 'Back to the start',
  'word.actions': 'Actions',
  'word.sent': 'Sent',
  'word.address': 'Email address',

  'shell.skip': 'Skip to the content',
  'shell.pages': 'Pages',
  'shell.organisations': 'Your organisations',
  'shell.switch': 'Switch organisation',
  'shell.newOrganisation': 'New organisation',
  'shell.account': 'Your account',
  'shell.session': 'This session',
  'shell.security': 'Security',
  'shell.members': 'Members',
  'shell.signOut': 'Sign out',

  'list.older': 'Older',
  'list.newer': 'Newer',
  'list.noOlder': 'This is the end of the list',
  'list.noNewer': 'This is the start of the list',
  'list.more': 'Show more',
  'list.all': 'All are shown',
  'list.pages': 'Pages of the list',

  'form.signedOut':
    'Your session has ended. Sign in in a new tab, come back, and send this again: what you wrote is still here.',
  'form.signInTab': 'Sign in in a new tab',

  'problem.unreachable': 'The server did not answer',
  'problem.unreachableRemedy': 'Check your connection, then try again. Nothing was changed unless it says so here.',
  'problem.notFound': 'There is nothing here',
  'problem.notFoundRemedy': 'It may have been deleted or moved, or it belongs to somebody else.',
  'problem.forbidden': 'Your role does not allow this',
  'problem.forbiddenRemedy': 'An owner or an admin of the organisation can do it, or give you another role.',
  'problem.forbiddenRemedyAlone': 'Go back to the start and try another way.',
  'problem.precondition': 'One step is missing',
  'problem.preconditionRemedy': 'Complete it for your account, then open this page again.',
  'problem.tooMany': 'Too many tries',
  'problem.tooManyRemedy': {
    one: 'You can try again in {count} second.',
    other: 'You can try again in {count} seconds.',
  },
  'problem.tooManyMinutes': {
    one: 'You can try again in {count} minute.',
    other: 'You can try again in {count} minutes.',
  },
  'problem.tooManyNow': 'You can try again now.',
  'problem.failed': 'Something went wrong on our side',
  'problem.failedRemedy': 'It has been recorded. Try again in a moment.',
  'problem.reference': 'Reference {code}',
  'problem.requestReference': 'Reference {code}, request {request}',

  'signUp.title': 'Create your account',
  'signUp.name': 'Your name',
  'signUp.address': 'Email address',
  'signUp.password': 'Password',
  'signUp.passwordHint': 'At least 15 characters: a few words that nobody would put together are best.',
  'signUp.act': 'Create account',
  'signUp.already': 'Already have an account?',

  'checkMail.title': 'Look into your mailbox',
  'checkMail.text':
    'If {address} can have an account here, a mail is on its way. Open the link in it to confirm the address.',
  'checkMail.textPlain':
    'If the address can have an account here, a mail is on its way. Open the link in it to confirm the address.',
  'checkMail.nothing': 'Nothing came?',
  'checkMail.nothingText': 'Look among the unwanted mail first. After signing in you can have it sent again.',

  'unverified.title': 'Confirm your address',
  'unverified.text': 'We sent a mail to {address}. Until you open the link in it, this account opens nothing.',
  'unverified.again': 'Send the mail again',
  'unverified.sent': 'Another mail is on its way to {address}.',
  'unverified.check': 'I have confirmed it',
  'unverified.notYet': 'Not confirmed yet. Open the link in the newest mail, then look again.',

  'verify.title': 'Confirm your address',
  'verify.text': 'One click, and the account with this address is yours to use.',
  'verify.notMine': 'If you did not ask for an account, close this page. Nothing happens then.',
  'verify.act': 'Confirm this address',
  'verify.done': 'Address confirmed',
  'verify.doneText': 'You can sign in now.',
  'verify.continue': 'Continue',
  'verify.noToken': 'This link is not complete',
  'verify.noTokenText': 'Open the link in the mail once more, or copy all of it.',

  'signIn.title': 'Sign in',
  'signIn.address': 'Email address',
  'signIn.password': 'Password',
  'signIn.act': 'Sign in',
  'signIn.new': 'New here?',
  'signIn.wrong': 'Address and password do not belong together',
  'signIn.wrongText': 'Check both, and try again.',
  'signIn.returning': 'Sign in to go on where you were.',

  'entrance.promise': 'What we promise, and what the last attack on each promise saw.',
  'entrance.holding': { one: '{holding} of {count} claim holds.', other: '{holding} of {count} claims hold.' },
  'entrance.broken': { one: '{count} is broken.', other: '{count} are broken.' },
  'entrance.attacked': 'Last attacked',
  'entrance.security': 'Read the security page',

  'organisations.title': 'Your organisations',
  'organisations.choose': 'Each stands in its own address, so two tabs can be in two of them.',
  'organisations.new': 'New organisation',
  'newOrganisation.title': 'Name your organisation',
  'newOrganisation.first':
    'Everything you keep here belongs to an organisation. You become its owner, and can invite colleagues at once.',
  'newOrganisation.more': 'You become its owner. It sees nothing of your other organisations.',
  'newOrganisation.name': 'Name',
  'newOrganisation.act': 'Create organisation',

  'members.title': 'Members',
  'members.caption': 'Members of {organisation}',
  'members.name': 'Name',
  'members.address': 'Email address',
  'members.role': 'Role',
  'members.since': 'Since',
  'members.remove': 'Remove',
  'members.removeTitle': 'Remove {name}?',
  'members.removeText': 'Every open session of {name} loses {organisation} at once. What they wrote stays.',
  'members.removed': '{name} is no longer a member.',
  'members.leave': 'Leave',
  'members.leaveTitle': 'Leave {organisation}?',
  'members.leaveText': 'You lose access at once. To come back, somebody has to invite you.',
  'members.left': 'You have left {organisation}.',
  'members.mayNotRemove': 'Your role does not allow removing members',
  'members.onlyOne': 'You are the only member',

  'invitations.title': 'Invited',
  'invitations.caption': 'Invitations that nobody has accepted yet',
  'invitations.invite': 'Invite a colleague',
  'invitations.mayNotInvite': 'Your role does not allow inviting',
  'invitations.text': 'They get a mail with a link that works once, for this address only.',
  'invitations.address': 'Email address',
  'invitations.role': 'Role',
  'invitations.act': 'Send invitation',
  'invitations.sent': 'An invitation is on its way to {address}.',
  'invitations.expires': 'Valid until',
  'invitations.withdraw': 'Withdraw',
  'invitations.withdrawTitle': 'Withdraw the invitation to {address}?',
  'invitations.withdrawText': 'The link in the mail stops working at once.',
  'invitations.withdrawn': 'The invitation to {address} no longer works.',

  'role.owner': 'Owner',
  'role.admin': 'Admin',
  'role.member': 'Member',
  'role.ownerHint': 'Everything, the organisation itself included',
  'role.adminHint': 'Everything but owners and the organisation itself',
  'role.memberHint': 'The daily work',

  'invitation.title': 'You are invited',
  'invitation.text': 'Accept, and you become a member. What you keep in other organisations stays apart.',
  'invitation.act': 'Accept invitation',
  'invitation.signInFirst':
    'Sign in with the address that was invited, or create an account with it. You come back here by the link in the mail.',
  'invitation.done': 'Welcome. You are a member now.',

  'account.tab': 'Account',
  'account.title': 'Your account',
  'account.name': 'Your name',

  'session.ended': 'Your session has ended',
  'session.endedText':
    'The page is hidden until you have signed in again. Sign in in a new tab and come back: what you wrote is still here.',
  'session.signInHere': 'Sign in here, and start afresh',
  'session.title': 'This session',
  'session.person': 'Signed in as',
  'session.address': 'Email address',
  'session.verified': 'Confirmation',
  'session.isVerified': 'Confirmed',
  'session.notVerified': 'Not confirmed',
  'session.cookie': 'Kept as',
  'session.cookieText': 'A cookie that scripts cannot read. This page knows nothing that could open your account.',
  'session.end': 'Sign out',
  'session.endText': 'Signing out ends the session on the server at once, whatever this browser still holds.',
} as const satisfies Record<string, Text>

export type Catalogue = typeof catalogue
export type MessageKey = keyof Catalogue

/** Other words for texts of the console. The values in braces must be those of the original. */
export type OtherWords = { readonly [Key in MessageKey]?: Text }

export function createConsoleMessages(other: OtherWords = {}): Say<Catalogue> {
  return createMessages({ ...catalogue, ...other } as Catalogue)
}

const SayContext = createContext(createConsoleMessages())
export const SayProvider = SayContext.Provider

/** The console's own texts, with the app's other words in place. */
export function useSay(): Say<Catalogue> {
  return useContext(SayContext)
}
