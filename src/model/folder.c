/* folder.c - what a folder is for, by its name, where the server does not say.
 *
 * The names that mail programs and providers give, in the languages they come in, in
 * case-folded form. A name that means different things in two languages is left out: to
 * take a folder for Trash that is none costs mail. */
#include <stdlib.h>

#include "folder.h"
#include "str.h"
#include "utf8.h"

static const char *const drafts[] = {
	"drafts", "draft", "draft messages", "entwürfe", "entwurf", "brouillons", "brouillon",
	"borradores", "borrador", "rascunhos", "rascunho", "bozze", "concepten", "utkast",
	"kladder", "kladde", "luonnokset", "robocze", "wersje robocze", "kopie robocze",
	"koncepty", "rozepsané", "piszkozatok", "ciorne", "schițe", "черновики", "чернетки",
	"чорновики", "taslaklar", "πρόχειρα", "esborranys", "zirriborroak", "下書き", "草稿",
	"草稿箱", "草稿夹", "임시 보관함", "임시보관함", "مسودات", "المسودات", "טיוטות",
	"thư nháp", "draf", "konsep", "juodraščiai", "melnraksti", "mustandid", "osnutki",
	"skice", "чернови", NULL
};
static const char *const sent[] = {
	"sent", "sent items", "sent mail", "sent messages", "sent-mail", "sent_mail",
	"gesendet", "gesendete elemente", "gesendete objekte", "gesendete nachrichten",
	"postausgang gesendet", "envoyés", "envoyé", "éléments envoyés", "messages envoyés",
	"courrier envoyé", "objets envoyés", "enviados", "enviado", "elementos enviados",
	"mensajes enviados", "correo enviado", "itens enviados", "mensagens enviadas",
	"e-mails enviados", "inviata", "inviati", "posta inviata", "elementi inviati",
	"messaggi inviati", "verzonden", "verzonden items", "verzonden berichten",
	"verzonden objecten", "skickat", "skickade", "skickade objekt", "skickade meddelanden",
	"sendt", "sendte elementer", "sendt post", "sendte", "sendte meldinger",
	"sendte e-mails", "lähetetyt", "lähetetyt viestit", "wysłane", "elementy wysłane",
	"wysłane wiadomości", "odeslané", "odeslaná pošta", "odeslaná", "odoslané",
	"odoslaná pošta", "elküldött", "elküldött elemek", "elküldött üzenetek", "trimise",
	"mesaje trimise", "отправленные", "отправлено", "исходящие отправленные", "надіслані",
	"відправлені", "gönderilmiş öğeler", "gönderilenler", "gönderilmiş postalar",
	"απεσταλμένα", "σταλμένα", "enviats", "elements enviats", "送信済み",
	"送信済みアイテム", "送信済みメール", "送信済みメッセージ", "已发送", "已发送邮件",
	"已傳送", "寄件備份", "寄件備份匣", "已寄出", "보낸 편지함", "보낸편지함",
	"보낸메일함", "المرسل", "البريد المرسل", "דואר יוצא", "נשלחו", "thư đã gửi",
	"terkirim", "išsiųsti", "nosūtītie", "saadetud", "poslano", "изпратени", NULL
};
static const char *const archive[] = {
	"archive", "archives", "archived", "archiv", "archivo", "archivados", "arquivo",
	"arquivados", "arquivo morto", "archivio", "archief", "arkiv", "arkisto", "archiwum",
	"archív", "archívum", "arhivă", "arhiva", "архив", "архів", "arşiv", "αρχείο",
	"αρχειοθήκη", "arxiu", "アーカイブ", "归档", "存档", "封存", "보관", "보관함", "أرشيف",
	"الأرشيف", "ארכיון", "lưu trữ", "arsip", "archyvas", "arhīvs", "arhiiv", "arhiv", NULL
};
static const char *const junk[] = {
	"junk", "junk mail", "junk email", "junk e-mail", "spam", "bulk mail", "spamverdacht",
	"spam-verdacht", "unerwünscht", "junk-e-mail", "junk-mail", "indésirables",
	"courrier indésirable", "pourriel", "pourriels", "correo no deseado", "no deseado",
	"no deseados", "lixo eletrônico", "lixo eletrónico", "correio eletrónico de lixo",
	"posta indesiderata", "indesiderata", "ongewenste e-mail", "ongewenst",
	"ongewenste post", "skräppost", "skräp", "uønsket", "uønsket e-post", "uønsket mail",
	"uønsket post", "søppelpost", "roskaposti", "wiadomości-śmieci", "niechciane",
	"nevyžádaná pošta", "nevyžádané", "nevyžiadaná pošta", "levélszemét",
	"mesaje nedorite", "спам", "нежелательная почта", "небажана пошта", "небажані",
	"gereksiz", "gereksiz e-posta", "istenmeyen", "ανεπιθύμητα",
	"ανεπιθύμητη αλληλογραφία", "correu brossa", "brossa", "迷惑メール", "スパム",
	"垃圾邮件", "垃圾郵件", "垃圾信件匣", "스팸", "스팸메일함", "정크 메일",
	"بريد غير هام", "البريد غير الهام", "דואר זבל", "ספאם", "thư rác", "brukalas",
	"mēstules", "rämpspost", "neželena pošta", NULL
};
static const char *const trash[] = {
	"trash", "deleted", "deleted items", "deleted messages", "deleted mail", "bin",
	"wastebasket", "rubbish", "papierkorb", "gelöscht", "gelöschte elemente",
	"gelöschte objekte", "gelöschte nachrichten", "corbeille", "éléments supprimés",
	"messages supprimés", "supprimés", "poubelle", "papelera", "papelera de reciclaje",
	"elementos eliminados", "eliminados", "mensajes eliminados", "lixeira", "lixo",
	"reciclagem", "itens excluídos", "itens eliminados", "cestino", "posta eliminata",
	"elementi eliminati", "eliminata", "prullenbak", "prullenmand", "verwijderde items",
	"verwijderd", "verwijderde berichten", "papperskorg", "papperskorgen", "borttaget",
	"borttagna objekt", "slettet", "slettede elementer", "slettet post", "papirkurv",
	"papirkurven", "søppel", "roskakori", "poistetut", "kosz", "elementy usunięte",
	"usunięte", "koš", "odstraněná pošta", "odstraněné", "kôš", "odstránená pošta", "kuka",
	"lomtár", "törölt elemek", "coș de gunoi", "coș", "elemente șterse", "корзина",
	"удаленные", "удалённые", "кошик", "видалені", "çöp kutusu", "çöp", "silinmiş öğeler",
	"silinenler", "κάδοσ", "κάδοσ απορριμμάτων", "διαγραμμένα", "paperera",
	"elements suprimits", "ゴミ箱", "ごみ箱", "削除済みアイテム", "削除済み", "已删除",
	"已删除邮件", "废件箱", "垃圾桶", "刪除的郵件", "已刪除的郵件", "휴지통",
	"지운 편지함", "지운편지함", "المهملات", "سلة المهملات", "العناصر المحذوفة", "אשפה",
	"פריטים שנמחקו", "thùng rác", "sampah", "šiukšliadėžė", "atkritne", "prügikast",
	"koš za smeti", "кошче", NULL
};
static const char *const all[] = {
	"all mail", "allmail", "alle nachrichten", "tous les messages", "todo el correo",
	"todos los correos", "todos os e-mails", "tutti i messaggi", "alle berichten",
	"all e-post", "wszystkie", "вся почта", "すべてのメール", "所有邮件", "所有郵件",
	"전체보관함", NULL
};
static const char *const flagged[] = {
	"flagged", "starred", "markiert", "suivis", "destacados", "com estrela", "speciali",
	"met ster", "stjärnmärkt", "помеченные", "スター付き", "已加星标", "已加星號",
	"별표편지함", NULL
};

static const struct role_names {
	const char *shown;
	const char *const *names;	/* NULL: the protocol knows */
} roles[N_ROLES] = {
	[ROLE_NONE] = { "", NULL },
	[ROLE_INBOX] = { "Inbox", NULL },
	[ROLE_DRAFTS] = { "Drafts", drafts },
	[ROLE_SENT] = { "Sent", sent },
	[ROLE_ARCHIVE] = { "Archive", archive },
	[ROLE_JUNK] = { "Junk", junk },
	[ROLE_TRASH] = { "Trash", trash },
	[ROLE_ALL] = { "All mail", all },
	[ROLE_FLAGGED] = { "Flagged", flagged },
};

static bool
is_among(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (str_eq(word, *words))
			return true;
	}
	return false;
}

enum folder_role
folder_role_by_name(const char *name)
{
	char *folded = text_fold(name);
	enum folder_role role = ROLE_NONE;

	for (int r = 0; r < N_ROLES && role == ROLE_NONE; r++) {
		if (roles[r].names && is_among(folded, roles[r].names))
			role = (enum folder_role)r;
	}
	free(folded);
	return role;
}

const char *
folder_role_name(enum folder_role role)
{
	return (unsigned)role < N_ROLES ? roles[role].shown : "";
}
