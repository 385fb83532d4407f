import { startConsole } from 'holdfast/console'
import { say } from './messages.ts'
import { DeckPage } from './pages/deck.tsx'
import { DecksPage } from './pages/decks.tsx'
import { TodayPage } from './pages/today.tsx'

startConsole({
  product: { name: 'study', title: 'Ebb' },
  people: 'individuals',
  pages: [
    { path: '/today', title: say('today.title'), nav: true, component: TodayPage },
    { path: '/decks', title: say('decks.title'), nav: true, component: DecksPage },
    { path: '/decks/$deck', title: say('deck.title'), component: DeckPage },
  ],
})
