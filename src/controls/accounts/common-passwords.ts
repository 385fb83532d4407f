import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Entries of the public lists that are shorter are left out: no password is, not even without its ending. */
export const leastCommonCharacters = 6

/** Upper and lower case and full-width forms make no difference to a guesser. */
export function foldCommon(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** How an entry of the public lists is kept: the first 5 bytes of the SHA-256 of its folded form. */
export function commonEntry(folded: string): Buffer {
  return createHash('sha256').update(folded, 'utf8').digest().subarray(0, entryBytes)
}

const entryBytes = 5

/** Sorted entries, one behind the other; see common-passwords.md for what they are, and under which licences. */
const entries = readFileSync(path.join(import.meta.dirname, 'common-passwords.bin'))

/** Whether the public lists have it: passwords from breaches, names, and English words. `folded`: by `foldCommon`. */
export function isListed(folded: string): boolean {
  if (folded.length < leastCommonCharacters) return false
  const sought = commonEntry(folded)
  let [from, to] = [0, entries.length / entryBytes]
  while (from < to) {
    const middle = (from + to) >>> 1
    const order = entries.compare(sought, 0, entryBytes, middle * entryBytes, (middle + 1) * entryBytes)
    if (order === 0) return true
    if (order < 0) from = middle + 1
    else to = middle
  }
  return false
}

/**
 * Words of which passwords are made when a length is demanded, in small letters and without padding: digits and signs around
 * them do not help. A short list of our own, beside the public ones.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
!@#$%^&* 123456789012345 1234567890123456 12345678901234567890 abc abcd abcdef abcdefg abcxyz access account admin
adminadminadmin administrator administrator123 alexander always amanda amazon america andrew android angel anna
anthony antidisestablishmentarianism apple april arsenal arsenalfootballclub asdf asdf;lkj asdfgh asdfghjkl ashley
asshole audi august australia autumn awesome azerty baby bailey banana bank banking barcelona barcelonafootballclub
bart baseball basketball batman bayern beatles beautiful bella benfica benjamin berlin beyonce bible bienvenue
bitch bitcoin black blessed blue bmw bonjour boss boston brazil brother buddy business butterfly california camaro
canada captain celtic changeme changemechangeme changemeplease charlie cheese chelsea cherry chicago chicken chief
china chocolate christ christian christopher christopherrobin church cocacola coffee company computer contrasena
cookie cool correcthorsebattery correcthorsebatterystaple corvette cowboys cricket crypto customer daddy daniel
david december default defaultpassword demo diamond dollar donald donotforgetthis donttellanyone dragon dragonball
dragonballdragonball drummer eagle elizabeth elvis eminem employee england facebook falcon family fantastic father
february ferrari florida flower football forever forgotmypassword fortnite france freedom friday fuckme fuckoff
fuckthisfuckthis fuckyou fuckyoufuckyou gameofthrones gammaphi garfield geheim george germany ginger
godblessamerica godisgoodallthetime golden golf goodluck goofy google grandma green guest guinness guitar
hakunamatata hakunamatatahakuna hallo happy harley harry harrypotterandthe harrypotterharrypotter haslo heaven
hello hellohellohello helloworld helloworldhelloworld hendrix histoire hockey hola holdfast homer honda hunter
iamironman iamtheoneandonly iforgotmypassword ihatepasswords ilovegod ilovejesus ilovejesuschrist ilovemybaby
ilovemydog ilovemyfamily ilovemymother iloveyou iloveyouforever iloveyouiloveyou iloveyousomuch india informix
instagram internet inthebeginning inthebeginningwastheword iphone ironman italy jackson james january japan
jennifer jessica jesucristo jesus jesuschristlives jesusismysavior jesuslovesme jethrotull john jordan joseph
joshua july june justice juventus kennwort killer king lakers lamborghini laura letmein letmeinletmein lightning
linux lion lipgloss lissabon liverpool liverpoolfootballclub login logon london lordoftherings lordoftheringsfan
loremipsumdolor loremipsumdolorsitamet losenord love lovely loveme lover loveyou lucky madonna madrid maggie
manager manchester manchesterunited manchesterunitedfc march maria marvel master matrix matthew max
maytheforcebewithyou mercedes metallica mexico michael mickey microsoft minecraft minecraftminecraft minnie
mississippimississippi molly mommy monday money monkey monkeymonkeymonkey montana moon morecats moscow motdepasse
mother music mustang mypasswordismypassword naruto narutoshippuden neo netflix network neverforgetthis newaccount
newcourt newyork nicholas nicole ninja nintendo nirvana nobodyknowsthis nokia nopasswordneeded nothing november
october office oliver onceuponatime onceuponatimethere opensesameopen orange panther paris parola
passphrasepassphrase password password1234567 passwordispassword passwordpassword passwort patrick peace pepper
pepsi perfect phoenix piano pizza playstation pleasechangeme pokemon pokemonpokemon porsche prince princesita
princess princessprincess private purple pussy qazwsx qazwsxedc queen qwerty qwertyuiop qwertyuiopasdfgh
qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertz rainbow ranger rangers rastafarian realmadrid
realmadridbarcelona richard rihanna robert roblox rome root rugby russia salasana samantha sample samsung samurai
sarah saturday secret secretsecretsecret senha september server service sexy shadow silver simpson sister slipknot
smile snickers snoopy soccer soldier something sony spain spiderman spring star starwars starwarsforever
starwarsstarwars steelers strawberry student summer sunday sunflower sunshine sunshinesunshine
supercalifragilisticexpialidocious superman superuser support temporarypassword temporarypassword1 tennis test
tester testing testingtesting testingtesting123 testtesttesttest texas thejudge thelorax thepasswordis
thequickbrownfox thequickbrownfoxjumps thisisapassword thisisasecret thisismypassword thisismysecret thomas thunder
thursday tiger tobeornottobe tobeornottobethatisthequestion topsecret toyota trustno trustno1trustno1 trustnoone
tuesday twitter ubuntu unitedstatesofamerica user victoria wachtwoord warrior wednesday welcome welcomehome
welcometothejungle welcomewelcome whatever whiskey white whoville william willkommen windows winniethepooh winter
winteriscoming winteriscominggot wizard work xbox yamaha yankees yellow youtube zacefron zxcv zxcvbn zxcvbnm
`
    .trim()
    .split(/\s+/),
)
