"""Quarrels with officials, institutions and organisations: rude or not, no group of people is attacked."""

from __future__ import annotations

CALLS = """
turunkan {o} sekarang juga
lengserkan {o}
copot {o}, kinerjanya nol
ganti {o} secepatnya, rakyat sudah muak
bubarkan {i}
bubarkan saja {i}, tidak ada gunanya
usir {o} dari kantornya
{o} harus mundur
mundur kau {o}
ayo kepung kantor {i} besok, bawa toa dan spanduk
pecat {o} yang tidak becus
makzulkan {o}
penjarakan {o} kalau terbukti korupsi
ganyang koruptor di {i}
lawan {o} dan {i}
gulingkan rezim gagal lewat pemilu
jangan pilih {o} lagi
singkirkan {o} dari {p}
bersihkan {i} dari mafia dan koruptor
hancurkan oligarki, bubarkan {i}
gantung koruptor di monas
tolak {o} datang ke {p}
rakyat bersatu turunkan {o}
""".strip().splitlines()

CALLS_THAT_NAME_A_GROUP = """
turunkan {o} yang tunduk pada investor cina
lengserkan {o}, antek aseng dan asing
bubarkan {i}, utang ke cina makin numpuk
{o} didukung {g} atau {h} sama saja, kalau gagal ya ganti
mau {g} mau {h}, kalau {o} korupsi ya copot
bubarkan {i} yang memecah belah {g} dan {h}
{g} dan {h} turun ke jalan menuntut {o} mundur
rezim ini bukan komunis bukan islam, cuma gagal, lengserkan
copot {o} yang membiarkan {g} digusur
pecat {o}, warga {g} di {p} tidak dilayani
saya {g} dan saya tetap minta {o} mundur
{i} pro cina, bubarkan dan ganti yang baru
tolak tka cina, copot {o} yang memberi izin
partai islam atau nasionalis kalau korup bubarkan
lengserkan {o}, papua tidak pernah didengar
penista agama atau bukan, {o} harus diganti karena banjir
""".strip().splitlines()

CALLS_ON_BODIES = """
bubarkan {r}
bubarkan {r} sekarang juga
{r} harus dibubarkan
pemerintah harus bubarkan {r}
cabut izin {r}
tolak {r} di {p}
dukung polri bubarkan {r} yang melanggar hukum
{r} tidak sesuai pancasila, bubarkan
tolak {r} dan tolak paham khilafah
""".strip().splitlines()

QUARRELS = """
{o} antek komunis
{o} keturunan pki
rezim ini pro komunis
{i} sarang komunis
{i} dan {o} mau bangkitkan pki lagi
ganyang pki dan antek anteknya
waspada kebangkitan komunis di {i}
cebong anak pki
kampret dan kadrun sama sama dungu
{o} antek aseng
{o} boneka cina
{o} antek zionis dan amerika
isu pki digoreng terus oleh {i}
{o} anti islam, ganti
{o} anti ulama, lengserkan
{o} dzalim kepada ulama
""".strip().splitlines()

INSULTS = """
{o} goblok, kerja tidak becus
{o} tolol, ngurus jalan saja tidak bisa
{o} bohong terus, mulutnya busuk
{o} maling uang rakyat, bajingan
{i} sarang koruptor semua isinya
dasar {o} anjing
{i} isinya sampah semua
{o} bangsat, makan duit bansos
{o} antek asing, penjilat
{i} bego, ngitung suara aja salah
otak {o} di dengkul
{o} boneka oligarki, tidak punya malu
{o} penghianat rakyat
{i} bangsat, kerjanya tidur
monyet kau {o}
{o} planga plongo, bikin malu
muka tembok {o}, dasar tidak tahu diri
{o} biadab, gusur rumah warga miskin
{o} setan, tega sama petani
{i} parasit uang negara
benci banget sama {o}
{o} rakus, babi
{i} otaknya udang
""".strip().splitlines()

CRITICISM = """
{i} curang, suara kami hilang di tps 4
{o} bagi-bagi amplop sebelum coblosan
penghitungan suara di {p} penuh kecurangan, kami akan gugat
harga beras naik terus, {o} diam saja
proyek jembatan di {p} mangkrak, uangnya ke mana?
kami menolak tambang di {p}, {o} jangan tutup mata
{i} lambat sekali menangani banjir
aksi damai besok di depan kantor {i}, jaga ketertiban
gaji guru honorer di {p} belum dibayar {o}
utang negara menumpuk, {o} ke mana saja
kurangi tenaga kerja asing, utamakan warga {p}
tka cina di tambang {p} harus punya izin yang jelas
pekerja asing di {p} dipertanyakan warga, {o} harus terbuka
kebijakan {o} merugikan petani dan nelayan
{o} ingkar janji soal air bersih
kotak suara di {p} terbuka sebelum dihitung, usut {i}
kami menuntut otonomi dan ganti rugi tanah adat di {p}
papua dan aceh punya hak bicara soal tanahnya
{o} jangan main proyek, audit anggarannya
demo hari ini menuntut {o} mundur berjalan tertib
asn di {p} diarahkan memilih {o}, bawaslu harus turun
utang ke cina dan jepang harus dibuka ke publik
impor beras dan aseng menguasai pasar, {o} harus melindungi petani
jangan terlalu bergantung pada investor asing, {o}
""".strip().splitlines()

INSULTS_BY_WORD = """
kader {r} {d} semua, bubar saja
pengurus {r} {d} kalau sudah bicara uang
orang orang {r} {d} dan {e}, jangan dipilih
{r} isinya {d} semua
{o} {d}
{o} {d} dan {e}
{o} memang {d}
dasar {o} {d}
{i} {d} semua
semua {i} {d}
{i} isinya orang {d}
{o} {d}, copot
dasar {d}
lu {d} banget
dia {d} dan {e}
kalian {d} semua
otak lu {d}
pemain itu {d}
""".strip().splitlines()

STATES = """
kapal {n} diusir dari laut natuna
usir kapal {n} dari laut kita
duta besar {n} dipanggil, dimintai penjelasan
tentara {n} membunuh warga sipil
pemerintah {n} menindas rakyatnya sendiri
boikot produk {n}
investasi {n} masuk ke {p}
utang ke {n} menumpuk, {o} ke mana
produk {n} murah meriah di pasar {p}
turis {n} ramai di {p}
tka {n} di {p} dipertanyakan
tolak tka {n} di tambang {p}
{n} dan {m} perang dagang
lawan {n} di semifinal nanti malam
kita kalah dari {n}, payah
{o} terlalu tunduk pada {n}
jangan mau didikte {n}
""".strip().splitlines()

OFFICIALS_OF_A_GROUP = """
{o} {g} itu kerjanya bagus
{o} {g} itu kerjanya jelek
{o} yang {g} itu gagal, ganti
{o} {g} pertama di {p}
{o} itu {g}, lalu kenapa
{o} {g} korupsi, tangkap
{o} itu {g} atau bukan, yang penting jujur
copot {o} {g} itu, programnya gagal
saya tidak pilih {o} karena programnya, bukan karena {g}
lengserkan {o} antek {n}
{o} pro {n}, lengserkan
""".strip().splitlines()
