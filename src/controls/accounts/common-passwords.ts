/**
 * Passwords that are tried first, and the words of which they are made when a length is demanded: folded to lower case, without
 * padding. A short list of our own; the long public lists are for a later version.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
123456789012345 1234567890123456 12345678901234567890 abc abcd abcdef abcdefg abcxyz access account admin
adminadminadmin administrator administrator123 alexander always amanda amazon america andrew android angel anna
anthony antidisestablishmentarianism apple april arsenal arsenalfootballclub asdf asdfgh asdfghjkl ashley asshole
audi august australia autumn awesome azerty baby bailey banana bank banking barcelona barcelonafootballclub bart
baseball basketball batman bayern beatles beautiful bella benfica benjamin berlin beyonce bible bienvenue bitch
bitcoin black blessed blue bmw bonjour boss boston brazil brother buddy business butterfly california camaro
canada captain celtic changeme changemechangeme changemeplease charlie cheese chelsea cherry chicago chicken chief
china chocolate christ christian christopher christopherrobin church cocacola coffee company computer contrasena
cookie cool correcthorsebattery correcthorsebatterystaple corvette cowboys cricket crypto customer daddy daniel
david december default defaultpassword demo diamond dollar donald donotforgetthis donttellanyone dragon dragonball
dragonballdragonball drummer eagle elizabeth elvis eminem employee england facebook falcon family fantastic father
february ferrari florida flower football forever forgotmypassword fortnite france freedom friday fuckme fuckoff
fuckthisfuckthis fuckyou fuckyoufuckyou gameofthrones garfield geheim george germany ginger godblessamerica
godisgoodallthetime golden golf goofy google grandma green guest guinness guitar hakunamatata hakunamatatahakuna
hallo happy harley harry harrypotterandthe harrypotterharrypotter haslo heaven hello hellohellohello helloworld
helloworldhelloworld hendrix hockey hola holdfast homer honda hunter iamironman iamtheoneandonly iforgotmypassword
ihatepasswords ilovegod ilovejesus ilovejesuschrist ilovemybaby ilovemydog ilovemyfamily ilovemymother iloveyou
iloveyouforever iloveyouiloveyou iloveyousomuch india instagram internet inthebeginning inthebeginningwastheword
iphone ironman italy jackson james january japan jennifer jessica jesus jesuschristlives jesusismysavior
jesuslovesme john jordan joseph joshua july june juventus kennwort killer king lakers lamborghini laura letmein
letmeinletmein lightning linux lion liverpool liverpoolfootballclub login logon london lordoftherings
lordoftheringsfan loremipsumdolor loremipsumdolorsitamet losenord love lovely loveme lover loveyou lucky madonna
madrid maggie manager manchester manchesterunited manchesterunitedfc march maria marvel master matrix matthew max
maytheforcebewithyou mercedes metallica mexico michael mickey microsoft minecraft minecraftminecraft minnie
mississippimississippi molly mommy monday money monkey monkeymonkeymonkey moon moscow motdepasse mother music
mustang mypasswordismypassword naruto narutoshippuden neo netflix network neverforgetthis newyork nicholas nicole
ninja nintendo nirvana nobodyknowsthis nokia nopasswordneeded nothing november october office oliver onceuponatime
onceuponatimethere opensesameopen orange panther paris parola passphrasepassphrase password password1234567
passwordispassword passwordpassword passwort patrick peace pepper pepsi perfect phoenix piano pizza playstation
pleasechangeme pokemon pokemonpokemon porsche prince princess princessprincess private purple pussy qazwsx
qazwsxedc queen qwerty qwertyuiop qwertyuiopasdfgh qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertz rainbow
ranger rangers realmadrid realmadridbarcelona richard rihanna robert roblox rome root rugby russia salasana
samantha samsung samurai sarah saturday secret secretsecretsecret senha september server service sexy shadow
silver simpson sister slipknot smile snickers snoopy soccer soldier something sony spain spiderman spring star
starwars starwarsforever starwarsstarwars steelers strawberry summer sunday sunflower sunshine sunshinesunshine
supercalifragilisticexpialidocious superman superuser support temporarypassword temporarypassword1 tennis test
tester testing testingtesting testingtesting123 testtesttesttest texas thepasswordis thequickbrownfox
thequickbrownfoxjumps thisisapassword thisisasecret thisismypassword thisismysecret thomas thunder thursday tiger
tobeornottobe tobeornottobethatisthequestion topsecret toyota trustno trustno1trustno1 trustnoone tuesday twitter
ubuntu unitedstatesofamerica user victoria wachtwoord warrior wednesday welcome welcomehome welcometothejungle
welcomewelcome whatever whiskey white william willkommen windows winter winteriscoming winteriscominggot wizard
work xbox yamaha yankees yellow youtube zxcv zxcvbn zxcvbnm
`
    .trim()
    .split(/\s+/),
)
