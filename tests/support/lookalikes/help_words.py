"""Words and sentences of the help pages, in four languages."""

from .words import Phrases

_EN = {
    "do": ("Invite", "Remove", "Rename", "Move", "Share", "Archive", "Restore", "Export", "Import", "Lock"),
    "thing": ("a member", "a board", "a calendar", "a task list", "an invoice", "a photo", "a form", "a note", "a badge",
              "a survey", "an invitation", "a shared folder"),
    "place": ("in a team", "on your phone", "from the archive", "in the browser", "as a guest", "before a deadline",
              "in the trial", "after a merge", "for a client", "on a tablet", "without email", "in another time zone"),
    "menu": ("Settings", "Members", "Files", "Billing"),
    "role": ("Owners", "Guests", "Editors", "Managers"),
}  # fmt: skip
_DE = {
    "do": ("einladen", "löschen", "umbenennen", "verschieben", "prüfen", "zurückholen", "öffnen", "übertragen", "sperren"),
    "thing": ("Mitglieder", "Kalender", "Aufgaben", "Rechnungen", "Fotos", "Formulare", "Einträge", "Gäste", "Räume",
              "Umfragen", "Notizen", "Ordner", "Verträge"),
    "place": ("im Büro", "auf dem Gerät", "für Gäste", "über das Menü", "im Archiv", "während der Probezeit",
              "für später", "mit Schlüssel", "ohne Verbindung", "nach dem Urlaub", "am Empfang", "in der Prüfung"),
    "menu": ("Übersicht", "Einstellungen", "Ablage", "Gebühren"),
    "role": ("Gäste", "Prüfer", "Eigentümer", "Helfer"),
}  # fmt: skip
_FR = {
    "do": ("Inviter", "Créer", "Renommer", "Déplacer", "Partager", "Récupérer", "Vérifier", "Répéter", "Intégrer"),
    "thing": ("un élève", "un calendrier", "une tâche", "une facture", "une photo", "un modèle", "une équipe", "une clé",
              "un dossier", "une réunion", "un sondage", "une note"),
    "place": ("à distance", "pour un invité", "depuis le menu", "après la clôture", "dans un projet", "avant le délai",
              "à la rentrée", "en réunion", "sur une tablette", "pour un client", "sans réseau", "chaque été"),
    "menu": ("Réglages", "Équipes", "Données", "Accès"),
    "role": ("Les invités", "Les gérants", "Les élèves", "Les équipes"),
}  # fmt: skip
_PT = {
    "do": ("Convidar", "Excluir", "Renomear", "Mover", "Publicar", "Recuperar", "Verificar", "Anexar", "Traduzir"),
    "thing": ("um usuário", "um calendário", "uma seção", "uma cobrança", "um anúncio", "um relatório", "uma reunião",
              "um formulário",
              "uma pasta", "uma pesquisa", "um contrato", "uma anotação"),
    "place": ("no escritório", "após o prazo", "na página inicial", "com permissão", "em férias", "à distância",
              "até amanhã", "sem conexão", "no celular", "para um cliente", "pela manhã", "na recepção"),
    "menu": ("Opções", "Usuários", "Relatórios", "Permissões"),
    "role": ("Os usuários", "Os gestores", "Os visitantes", "Os órgãos"),
}  # fmt: skip

TITLES = {
    "en": Phrases(("{do} {thing} {place}", "{do} {thing}"), _EN),
    "de": Phrases(("{thing} {place} {do}", "{thing} {do}"), _DE),
    "fr": Phrases(("{do} {thing} {place}", "{do} {thing}"), _FR),
    "pt": Phrases(("{do} {thing} {place}", "{do} {thing}"), _PT),
}
INTROS = {
    "en": Phrases(("{title}: short steps for {menu}", "{title}, with the rights that you need under {menu}"), _EN),
    "de": Phrases(("{title}: kurze Schritte für {menu}", "{title}, mit den nötigen Rechten für {menu}"), _DE),
    "fr": Phrases(("{title} : étapes pour {menu}", "{title}, avec les droits nécessaires dans {menu}"), _FR),
    "pt": Phrases(("{title}: instruções para {menu}", "{title}, com as permissões necessárias em {menu}"), _PT),
}
STEPS = {
    "en": Phrases(
        (
            "Open {menu}.",
            "Choose the entry at the top.",
            "Select the right row.",
            "Check the preview.",
            "Confirm with your password.",
            "Go back to {menu}.",
        ),
        _EN,
    ),
    "de": Phrases(
        (
            "Öffnen Sie {menu}.",
            "Wählen Sie den obersten Eintrag.",
            "Markieren Sie die passende Zeile.",
            "Prüfen Sie die Vorschau.",
            "Bestätigen Sie mit Ihrem Passwort.",
            "Kehren Sie zurück zu {menu}.",
        ),
        _DE,
    ),
    "fr": Phrases(
        (
            "Ouvrez {menu}.",
            "Choisissez la première entrée.",
            "Sélectionnez la bonne ligne.",
            "Vérifiez l’aperçu.",
            "Confirmez avec votre clé d’accès.",
            "Revenez à {menu}.",
        ),
        _FR,
    ),
    "pt": Phrases(
        (
            "Abra {menu}.",
            "Escolha a primeira opção.",
            "Selecione a linha certa.",
            "Confira a prévia.",
            "Confirme a ação com a sua senha.",
            "Volte para {menu}.",
        ),
        _PT,
    ),
}
BODIES = {
    "en": Phrases(
        (
            "{role} can do this at any time.",
            "The change is visible at once.",
            "Nothing is lost if you cancel.",
            "You find the history under {menu}.",
            "An email tells {low_role} about the change.",
        ),
        {**_EN, "low_role": [role.lower() for role in _EN["role"]]},
    ),
    "de": Phrases(
        (
            "{role} dürfen das jederzeit.",
            "Die Änderung ist sofort für alle sichtbar.",
            "Beim Abbrechen geht nichts verloren.",
            "Den Verlauf finden Sie unter {menu}, ganz außen rechts.",
            "Alle Beteiligten erhalten eine Nachricht über die Änderung.",
        ),
        _DE,
    ),
    "fr": Phrases(
        (
            "{role} peuvent le faire à tout moment.",
            "La modification est visible immédiatement.",
            "Rien n’est perdu si vous annulez.",
            "Un coup d’œil dans {menu} montre l’historique.",
            "Chaque membre concerné reçoit un message.",
        ),
        _FR,
    ),
    "pt": Phrases(
        (
            "{role} podem fazer isso a qualquer hora.",
            "A alteração fica visível na hora.",
            "Nada é perdido se você cancelar.",
            "O histórico está em {menu}, à direita.",
            "Cada participante recebe uma notificação.",
        ),
        _PT,
    ),
}
