"""Hostile sentences about groups.

> Content warning: invented attacks on groups. They say nothing that is true of anybody.
"""

from __future__ import annotations

DESPISING = """
{g} itu cuma sampah masyarakat
{g} memang kotor dan bau, jijik lihatnya
semua {g} pembohong, jangan pernah percaya
dari dulu {g} tidak bisa dipegang omongannya
otak {g} memang bodoh dari sananya
{g} derajatnya lebih rendah dari kita
{g} tidak pantas jadi pemimpin di sini, haram dipilih
jangan mau bertetangga dengan {g}
jangan terima {g} kerja di sini, bikin sial
{g} dilarang masuk kampung kami
{g} seperti hama yang merusak negeri ini
{g} itu bukan manusia
najis berteman dengan {g}
anak kita jangan sampai menikah sama {g}, memalukan keturunan
kos ini tidak menerima {g}, merepotkan
{g} pemalas semua, maunya enak doang
{g} itu parasit
{g} tukang tipu semuanya
benci banget gue sama {g}
{g} pembawa penyakit, jauhi
{g} kaum laknat, pantas masuk neraka
{g} aib bagi bangsa ini
{g} tidak layak dapat hak yang sama dengan kita
anak {g} tidak boleh satu sekolah dengan anak kami
{g} ras rendahan
{g} biadab semua
dasar {g} tidak tahu diri
kelakuan {g} kayak binatang
{g} monyet, balik ke hutan sana
{g} memang bangsat semua
{g} licik dan serakah, otaknya cuma duit
{g} itu kutukan, pembawa malapetaka
tidak ada {g} yang baik, semuanya busuk
muak liat {g} dimana mana
emang dasarnya {g} gak punya otak
dmn ada {g} pasti ada maling
{g} cuma jadi beban, tidak berguna
{g} makhluk menjijikkan
{g} gak pantes hidup enak di negeri ini
{g} bodoh tolol semua
{g} kafir keparat
{g} lebih hina dari anjing
seharusnya {g} tidak boleh ikut memilih
tempat {g} di bawah kaki kita
jangan kasih {g} jabatan, mereka warga kelas dua
{g} anak haram, tidak usah diajak bicara
otak udang semua tuh {g}
{g} virus yang menular, jauhkan dari anak kita
{g} cuma kotoran di bumi ini
{g} penghianat bangsa semua
{g} tidak punya moral, semuanya bejat
larang {g} jualan di pasar kita
{g} sebaiknya dikurung saja jangan keluar rumah
jangan salaman dengan {g}, najis
{g} suka mencuri, sudah wataknya
""".strip().splitlines()

INCITING = """
usir {g} dari kampung ini
ayo kita usir semua {g}
{g} harus diusir dari {p}
bantai {g}
ganyang {g}
habisi {g} sampai tak tersisa
bakar rumah {g} di {p}
bunuh saja semua {g}
musnahkan {g} dari muka bumi
singkirkan {g} dari kota kita
malam ini kita kepung rumah {g}, habisi semuanya
ayo serang {g} sebelum terlambat
hajar setiap {g} yang lewat
jangan beri ampun {g}, bantai
boikot warung {g}, biar mati kelaparan
jangan belanja di toko {g}, biar bangkrut dan angkat kaki
lempari {g} kalau lewat sini
pulangkan {g}, ini bukan tanah mereka
bersihkan kampung kita dari {g}
gantung {g} di alun-alun
tumpas habis {g}
basmi {g} sampai ke akarnya
mari perangi {g}
kita semua wajib memusuhi {g}
seret {g} keluar dari rumahnya
siapkan parang, kita sikat {g} malam ini
penggal kepala {g}
{g} halal darahnya
{g} pantas mati, bunuh
kumpul di {p}, kita hancurkan rumah ibadah dan rumah {g}
{g} harus angkat kaki dari {p}
usir {g}, jangan kasih tinggal di sini lagi
tolak {g} tinggal di {p}, usir paksa
saatnya {g} dilenyapkan
ratakan kampung {g} dengan tanah
kalau ketemu {g} pukuli aja rame rame
bubarkan paksa kumpulan {g} dan bakar tempatnya
jihad lawan {g}, bunuh mereka
{g} enyah dari {p} atau mati
sembelih {g}
tembak mati semua {g}
hancurkan lapak {g} di pasar
kejar dan gebuki {g} sampai minggat
racun aja {g} biar punah
""".strip().splitlines()

DEROGATION = """
{g} {d}
{g} {d} semua
{g} itu {d}
dasar {g} {d}
{g} memang {d} dan {e}
semua {g} {d}
{g} {d} {e}
emang {g} tuh {d}
kaum {d} ya {g} itu
{g} {d}, {g} {e}
""".strip().splitlines()

VIOLENCE = """
{v} {g}
{v} semua {g}
ayo {v} {g} di {p}
{v} {g} sekarang juga
{g} {d}, {v}
{v} {g} {d}
{v} saja {g} itu
kita {v} {g} rame rame
""".strip().splitlines()

GENERALISING = """
dari kecil {g} sudah diajari berbohong, makanya begitu semua besarnya
{g} di mana mana sama, kalau ada perlunya saja datang
namanya juga {g}, mana ada yang bisa dititipi uang
sudah watak {g} begitu, menjilat kalau butuh, lupa kalau kenyang
jangan heran, {g} memang begitu turun temurun
mau dididik sampai kapan pun {g} tetap begitu, bebal
setiap {g} yang saya kenal pasti {d}
coba sebut satu saja {g} yang tidak {d}, tidak ada
bukannya membenci, tapi {g} memang {d}
maaf ya bukan rasis, tapi {g} itu {d}
kalau mau hidup tenang jauh jauh dari {g}
{g} kerjanya cuma bikin rusuh dan buang sampah
rezeki jadi seret sejak {g} datang ke {p}
boleh berteman dengan siapa saja, asal bukan {g}
{g} tidak usah ikut rapat, pikirannya tidak sampai
sejak ada {g}, barang di rumah mulai hilang
tanah {p} habis dikuasai {g}, kita cuma jadi kuli
{g} kok minta dihormati, memangnya siapa
{g} minta hak yang sama? derajatnya saja beda
otak {g} tidak dibuat untuk memimpin
{g} senyum di depan, menikam dari belakang
masakan {g} jangan dibeli, tangannya jorok
kalau lihat {g} masuk, kunci pintu dan simpan dompet
{g} itu beban, hidup dari belas kasihan orang
makin banyak {g} makin hancur kampung ini
{g} cuma bisa beranak dan minta bantuan
yang {g} duduk di belakang saja, bau
kelakuan {g} bikin mual, tidak ada yang waras
{g} itu penyakit, jangan dekat dekat
{g} ibarat lintah, mengisap darah kita
{g} kayak tikus, makin dibiarkan makin banyak
{g} setengah manusia setengah hewan
{g} makhluk gagal, mestinya tidak lahir
dibilang manusia juga {g} belum pantas
""".strip().splitlines()
"""All of a group are like that: said without the strongest words."""

TWO_SENTENCES = """
di gang sebelah banyak {g}. mereka itu {d}
tetangga saya {g}. kaum {d} begitu mana bisa dipercaya
yang punya toko itu {g}. {d} semua bangsanya
baru tahu bos saya {g}. pantas {d}, keturunannya memang begitu
ada rombongan {g} pindah ke {p}. siap siap kampung jadi rusak
panitianya {g} semua. makhluk {d} kok disuruh mengurus acara
sekolah itu isinya {g}. jijik saya, {d} kok disekolahkan
calonnya {g}. bangsa {d} begitu mau memimpin kita
kos depan diisi {g}. hati hati, {d} dan {e} semua
yang jualan {g}. najis, jangan ada yang beli
mereka {g}. orang orang seperti itu {d}, jauhi
{g} datang lagi. usir saja, kaum {d}
pengungsi itu {g}. {v} saja mereka
kemarin {g} kumpul di {p}. mestinya di{v} semua
""".strip().splitlines()

SLANG = """
{g} tuh {d} semua anjir, ilfil gue
dih {g} mah {d} bgt, jijay
sumpah ya {g} tuh bikin muntah, {d} parah
{g} mah ga ada yg waras cuy, {d} semua
males bgt deket {g}, bau dan {d}
gw sih ogah temenan sm {g}, {d} wkwk
{g} emg {d} dr sononya, gausah dibela
kpn sih {g} punah dr sini, enek gw
{g} tuh nyampah doang, ga guna idupnya
auto emosi liat {g}, pengen gw {v}
{g} sok suci pdhl {d} berjamaah
gausah sok iye deh {g}, lu tuh {d}
yg {g} minggir, {d} bikin najis
fix {g} tuh golongan {d}
anak2 {g} {d} semua bro demi apapun
{v} aja tuh {g}, enek liatnya
yuk {v} {g} rame2, udah kelewatan nih kaum
""".strip().splitlines()

MIXED = """
honestly {g} tuh {d} semua
{g} are {d}, jangan dibela
all {g} are trash, ga ada gunanya
{g} are like animals, ga pantes di sini
{g} are parasites, habis duit kita
{g} should be kicked out dari {p}
we don't need {g} di sini, {d} semua
i hate {g} so much, {d} dan {e}
{g} literally {d}, so disgusting
kill all {g}, {v} semuanya
{g} go home, ini bukan tanah kalian
they are just {g}, kaum {d}, no brain
{g} semuanya criminals, don't trust them
{g} are subhuman, {d}
stop letting {g} masuk sini, they are disease
those {g} {d} banget, disgusting people
""".strip().splitlines()
