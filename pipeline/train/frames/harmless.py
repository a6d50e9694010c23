"""The same groups and the same hard words where nobody is attacked: talk, news, condemnation, idiom, swearing."""

from __future__ import annotations

KIND = """
{g} dan {h} hidup rukun di kampung kami
tetangga saya {g}, orangnya baik sekali
festival budaya {g} digelar di {p} akhir pekan ini
hari ini {g} di {p} merayakan hari besarnya
sejarah {g} di {p} menarik untuk dipelajari
jumlah {g} di {p} tercatat dalam sensus penduduk
teman sekantor saya {g}, rajin dan ramah
lomba menulis untuk {g} dibuka sampai bulan depan
pemerintah daerah membangun fasilitas bagi {g} di {p}
tokoh {g} bertemu tokoh {h} membahas keamanan kampung
{g} juga warga negara, haknya sama dengan kita
aku bangga jadi bagian dari {g}
nenek saya {g}, kakek saya {h}, kami satu keluarga besar
{g} membuka dapur umum untuk korban banjir di {p}
dosen itu meneliti kehidupan {g} di {p}
pelatihan kerja bagi {g} diadakan dinas sosial
kemarin makan siang bareng {g}, seru ceritanya
di pasar {p} pedagang {g} dan {h} saling bantu
buku tentang {g} itu sudah terbit
menurut saya {g} dan {h} sama saja, semua manusia
warga {g} ikut memilih di tps dengan tertib
kampung ini dihuni {g}, {h} dan pendatang
selamat hari raya untuk semua {g} di {p}
film tentang {g} itu bikin terharu
ibu guru kami {g}, sabar sekali mengajar
ada {g} yang menolong saya waktu motor mogok
musik {g} enak didengar
calon bupati itu {g}, wakilnya {h}, programnya soal air bersih
apakah {g} punya akses ke puskesmas di {p}?
saya {g} dan saya cinta {p}
{g} butuh trotoar dan layanan yang layak
bagaimana adat pernikahan {g}? ada yang tahu?
undangan dialog {g} dan {h} hari sabtu di balai kota
""".strip().splitlines()

NAMED = """
{g}
{g}?
{g} dan {h}
{g} di {p}
tentang {g}
kata {g}
apa itu {g}
siapa {g}
dia {g}
aku {g}
teman {g}
teman saya banyak {g}
berita {g} hari ini
film soal {g}
ada {g} di {p}
cerita {g}
{g} itu banyak yang sukses
{g} rajin bekerja
{g} juga manusia
{g} baik
{g} tinggal di {p}
{g} datang ke {p} kemarin
{g} pulang ke {p}
dari {g} sampai {h} semua datang
dia bilang dia {g}
suka lihat {g} menari
banyak {g} di {p}
toko itu milik {g}
pemimpin {g} terpilih
pilih {g} atau {h} terserah, yang penting jujur
bukan soal {g} atau {h}
tidak ada masalah dengan {g}
""".strip().splitlines()

WORDS = """
{w}
{w}?
kata {w}
apa arti {w}
buku tentang {w}
berita soal {w}
kenapa ramai {w}
lagi ramai soal {w} di {p}
diskusi {w} besok sore
{w} itu apa sih
saya tidak paham {w}
sejarah {w} di {p}
film {w} tayang malam ini
tulisan soal {w} itu panjang sekali
guru menjelaskan {w} di kelas
isu {w} muncul lagi jelang pemilu
jangan bawa bawa {w} ke politik
{w} dan {x}
hashtag {w} lagi tren
dulu ada {w}, sekarang {x}
""".strip().splitlines()

CONDEMNING = """
jangan hina {g}, mereka saudara kita
siapa pun yang mengusir {g} melanggar hukum
polisi menangkap penyebar ajakan usir {g}
saya menolak spanduk bertuliskan usir {g}
stop kebencian terhadap {g}
hoaks, kabar {g} membakar rumah di {p} tidak benar
tokoh agama mengecam seruan bantai {g}
tidak benar {g} itu kotor, itu prasangka
katanya {g} pemalas, padahal tetangga saya kerja dari subuh
dulu {g} pernah dibantai dan diusir, jangan sampai terulang
keluarga korban kekerasan terhadap {g} masih trauma
ada yang bilang {g} harus diusir, sikap seperti itu memalukan
kenapa masih ada orang yang benci {g}?
sedih baca komentar yang menyebut {g} sampah
pelaku yang menulis bunuh {g} sudah diperiksa polisi
cek fakta: foto rumah {g} dibakar massa ternyata foto lama
komnas ham menyesalkan penyerangan terhadap {g} di {p}
menyebut {g} binatang adalah ujaran kebencian, laporkan
kami mengutuk pembakaran rumah {g} di {p}
jangan percaya pesan berantai yang menuduh {g} menyerang warga
warga {p} menolak ajakan memusuhi {g}
tidak ada tempat untuk kebencian kepada {g} di {p}
ujaran "{g} bukan manusia" itu jahat dan salah
bupati meminta warga tidak terprovokasi isu {g} dan {h}
saya {g} dan capek dibilang bodoh sejak kecil
klarifikasi: tidak ada penyerangan {g} di {p}
seorang {g} dipukuli di {p}, polisi menyelidiki
pengadilan menghukum pria yang mengancam membunuh {g}
ia dihina karena {g}, kami membelanya
mari lawan diskriminasi terhadap {g}
kalau ada yang mengajak usir {g}, tegur dan laporkan
kalimat seperti usir {g} tidak boleh dibiarkan
""".strip().splitlines()

SELF_MOCKING = """
kami {g} kalau janjian jam tujuh datangnya jam sembilan wkwk
namanya juga {g}, makan gak pakai sambal rasanya kurang
sebagai {g} saya ngaku paling pelit soal parkir haha
maklum {g}, pulang kampung bawaannya sekardus
katanya kita {g} galak, padahal lihat kucing saja luluh
emak gue {g} tulen, nawar barang sampai penjualnya nangis haha
beginilah nasib {g} kalau arisan, rumpinya sampai malam
gue {g} tapi gak bisa masak khas kampung sendiri, malu wkwk
kita {g} memang begini, ribut di depan, rukun di belakang
jadi {g} itu berat, tiap hari disuruh makan terus haha
bapak saya {g} keras kepala, tapi hatinya lembut
dasar {g} ya gini, diajak diet malah nambah nasi, saya sendiri maksudnya
teman saya yang {h} ngeledek saya {g}, saya balas traktir kopi
stereotip tentang {g} itu bikin saya ketawa, saya sendiri kebalikannya
""".strip().splitlines()

IDIOMS = """
usir nyamuk dengan minyak sereh
basmi hama wereng sebelum panen
tim kampung kami dibantai tim tetangga lima kosong
serang dari sayap kiri, lawan lengah
bakar sate dulu malam ini di {p}
habisi makanan di piring, jangan mubazir
polisi musnahkan barang bukti narkoba di {p}
gantung baju di belakang pintu
hajar bakso dua mangkok, kenyang
hama tikus di sawah {p} harus dibasmi bersama
film perang itu penuh adegan tembak dan bantai
penjajah mengusir petani dari tanahnya, begitu tertulis di buku sejarah
bersihkan kampung kita dari sampah plastik
tumpas malaria dan demam berdarah di {p}
musuh bebuyutan bertemu lagi di final, seru
bakar lemak dengan lari pagi
perangi narkoba dan kemiskinan
singkirkan batu dari jalan biar tidak celaka
bunuh waktu sambil main kartu di pos ronda
monyet liar turun ke kebun warga {p}
anjing saya sakit, dibawa ke dokter hewan
babi hutan merusak ladang jagung di {p}
onta dan domba ada di kebun binatang {p}
kampret itu kelelawar kecil, cebong itu anak katak
pki dibubarkan tahun 1966, begitu pelajaran sejarah
komunis dan kapitalis dibahas di kuliah ilmu politik
densus menangkap terduga teroris di {p}
arti kata kafir dijelaskan ustaz dengan tenang
sidang kasus penistaan agama ditunda
pawai dan demo pelajar di {p} bubar dengan damai
suara petasan kayak mau perang
pesta demokrasi jangan bikin kita bermusuhan
sampah menumpuk di pasar {p}, bau sekali
penyakit menular itu dicegah dengan vaksin
barang impor dari cina lebih murah
bom waktu masalah parkir di {p}
jihad itu bersungguh-sungguh, termasuk belajar
""".strip().splitlines()

REMOVING_THINGS = """
bubarkan saja grup arisan ini, isinya jualan semua wkwk
rapat dibubarkan karena hujan, lanjut besok
bubarkan barisan, istirahat dulu
turunkan harga cabai dong, dompet menangis
turunkan barang dari truk pelan pelan
ganti oli sama copot ban belakang, habis dua ratus ribu
nilai ujian jelek, copot saja gelar juara kelasku haha
lengser dari jabatan ketua kelas, akhirnya bebas
gulingkan drum itu ke gudang {p}
band favoritku bubar, sedih banget
pensiunkan motor tua ini, sudah waktunya
saya {g} tapi kalah lomba masak, pecat saja aku
tim futsal kami {g} semua, kalah terus, bubar aja haha
aku {g}, diet gagal lagi, makzulkan aku dari grup ini
""".strip().splitlines()

SWEARING = """
anjing macet lagi di {p}
tolol banget gue lupa bawa kunci
bangsat hp gue jatuh ke got
goblok, salah kirim pesan ke bos
asu hujan terus jemuran gak kering
kampret, kuota habis pas lagi seru
setan, kesandung meja lagi
bego lu wkwk, traktir dong
tai lah internet lemot parah
monyet emang lu, ditungguin dari tadi haha
dasar jomblo kampret, ayo ngopi
jancok panas banget {p} siang ini
""".strip().splitlines()

FRIENDSHIP = """
{g} itu {k}
{g} {k} dan {l}
{g} {k}
{g} memang {k}
banyak {g} yang {k}
{g} di {p} {k}
semua {g} di kantor saya {k}
""".strip().splitlines()

DENIAL = """
{g} tidak {d}
siapa bilang {g} {d}
bukan {g} yang {d}, tapi sistemnya
jangan sebut {g} {d}
jangan panggil mereka {d}
saya {g} dan saya tidak {d}
dulu saya kira {g} {d}, ternyata salah
tidak semua {g} {d}, jangan pukul rata
saya dibilang {d} karena saya {g}
anak saya diejek "{g} {d}" di sekolah
dia ditangkap karena menulis {g} {d}
meme {g} {d} itu sudah kami laporkan
stereotip {g} {d} tidak berdasar
jangan {v} {g}
kami menolak ajakan {v} {g}
polisi selidiki tulisan {v} {g}
siapa pun yang teriak {v} {g} akan diproses hukum
ajakan {v} {g} itu kejahatan
pelaku yang hendak {v} {g} ditangkap di {p}
tiga orang mencoba {v} {g} di {p}, polisi datang
dulu tentara hendak {v} {g}, itu luka sejarah
polisi tangkap penghina {g}
{o} meminta maaf kepada {g}
coretan {v} {g} di tembok sudah dihapus warga
""".strip().splitlines()

AT_THINGS = """
{v} {t}
ayo {v} {t} di {p}
{v} {t} sekarang juga
kita {v} {t} rame rame
{v} semua {t}
{t} di {p} harus diberantas
""".strip().splitlines()

MIXED = """
honestly {g} tuh baik baik semua
{g} are my neighbours, seru banget
all {g} deserve respect, titik
love the food of {g}, enak parah
we stand with {g} di {p}
stop hating {g}, please
{g} are people too, jangan dihina
proud of {g} yang ikut gotong royong
so happy {g} datang ke acara kita
today {g} celebrate bareng di {p}
don't call {g} trash, itu jahat
i am {g} and i am proud
""".strip().splitlines()

SLANG = """
{g} tuh asik asik bgt anjir
sumpah ya {g} tuh baik parah
gw bangga punya temen {g} cuy
males bgt sm yg ngehina {g}
gausah bawa2 {g} dong, ga nyambung
yuk bantuin {g} rame2 di {p}
auto senyum liat {g} nari
{g} mah jago masak wkwk
kpn2 main ke rumah temen gw yg {g}
liat {g} lewat tadi, rame bgt pawainya
dih siapa sih yg bilang {g} {d}, ngaco
stop bilang {g} {d}, ga lucu bro
""".strip().splitlines()

TWO_SENTENCES = """
di gang sebelah banyak {g}. mereka {k}
tetangga saya {g}. orangnya {k}
yang punya toko itu {g}. harganya jujur
baru tahu bos saya {g}. pantas {k} dan {l}
ada rombongan {g} pindah ke {p}. ayo kita sambut
panitianya {g} semua. acaranya lancar sekali
sekolah itu isinya {g}. gurunya sabar sabar
calonnya {g}. programnya soal air bersih
kos depan diisi {g}. sering masak bareng
ada yang bilang {g} {d}. itu fitnah dan tidak benar
mereka {g}. sama seperti kita, ingin hidup tenang
jangan percaya yang bilang semua {g} {d}. saya kenal banyak, mereka {k}
sejak ada {g} di {p}, pasar jadi ramai
bukan semua {g} begitu, jangan menyamaratakan
makin banyak {g} yang sekolah, makin maju {p}
{g} minta hak yang sama, dan itu wajar
""".strip().splitlines()

TAKEN_DOWN = """
spanduk tolak {g} sudah dicopot warga
poster usir {g} di {p} sudah diturunkan pagi ini
tulisan {v} {g} di tembok sudah kami hapus bersama
coretan {g} {d} di pagar sekolah sudah dicat lagi
selebaran yang menyebut {g} {d} sudah dibuang, warga {p} tidak butuh
isu soal {g} di {p} sudah dibantah, kok masih beredar
kabar {g} {d} itu hoaks lama, sudah ada klarifikasi
pesan berantai tentang {g} terbukti bohong
omong kosong kalau {g} {d}, buktinya {k}
siapa bilang {g} {d}, juara kelasnya {g} semua
ga ada ceritanya {g} {d}, ngarang itu
ga bener kalau otak {g} kurang, juara umumnya {g} semua
otaknya setengah? yang juara lomba kemarin {g} semua tuh
mana buktinya {g} {d}, tidak ada
grup kami namanya {g} bandel, isinya pemain futsal
komunitas {g} keras kepala latihan tiap minggu
kami {g} {d}, begitu kami bercanda tentang diri sendiri
dikatai {d} sudah biasa, saya {g} dan tetap kerja
mau dia {g} kek {h} kek, janji jalan mana
mau bupatinya {g} atau {h}, yang kami tagih janjinya
calon {g} itu bohong soal ijazah, calon {h} juga
minta mundur itu hak warga, bukan urusan {g} atau {h}
{g} bukan {d}, {h} bukan {d}, yang {d} itu yang membakar
khotbah hari ini: usir rasa tamak dari hati kita, bukan {g}
dalam kitab diceritakan {g} diusir, mari belajar sabar
""".strip().splitlines()
