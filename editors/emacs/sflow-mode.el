;;; sflow-mode.el --- Scenarios of sipflow  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT
;; Package-Requires: ((emacs "27.1"))

;;; Commentary:

;; A major mode for .sflow files: colours, indentation, an index of agents and lanes, and the language server by eglot:
;;   (add-to-list 'load-path "/path/to/sipflow/editors/emacs")
;;   (require 'sflow-mode)
;;   (add-hook 'sflow-mode-hook #'eglot-ensure)

;;; Code:

(require 'sflow-words)

(defgroup sflow nil "Scenarios of sipflow." :group 'languages)

(defcustom sflow-server-command '("sipflow" "lsp")
  "How the language server is started."
  :type '(repeat string))

(defcustom sflow-indent-offset 2
  "Columns of a block."
  :type 'natnum
  :safe #'natnump)

(defvar sflow-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?_ "w" table)
    (dolist (sign '(?+ ?- ?* ?/ ?< ?> ?= ?. ?%))
      (modify-syntax-entry sign "." table))
    table)
  "Comments run from # to the end of the line; signs are no part of words.")

(defconst sflow--syntax-propertize
  (syntax-propertize-rules
   ;; A raw string: nothing in it ends it but three quotes.
   ("\\(\"\\)\\(\"\\)\\(\"\\)" (1 "|") (2 ".") (3 "."))
   ;; A regular expression may hold quotes and number signs.
   ((concat "\\_<\\(?:" sflow-words-before-regex "\\)[[:blank:]]*\\(/\\)[^/* \t\n\\]\\(?:[^/\n\\]\\|\\\\.\\)*\\(/\\)")
    (1 "|") (2 "|")))
  "What the syntax table cannot say.")

(defun sflow-indent-line ()
  "Indent the line by the blocks and parentheses that are open."
  (interactive)
  (let* ((state (save-excursion (syntax-ppss (line-beginning-position))))
         (closes (save-excursion (back-to-indentation) (looking-at-p "[})]")))
         (depth (max 0 (- (car state) (if closes 1 0)))))
    (unless (nth 3 state)
      (save-excursion (indent-line-to (* sflow-indent-offset depth))))
    (when (< (current-column) (current-indentation)) (back-to-indentation))))

(defconst sflow--index
  '(("Agents" "^agent[ \t]+\\([A-Za-z0-9_]+\\)" 1)
    ("Lanes" "^on[ \t]+\\([A-Za-z0-9_]+\\)" 1)
    ("Definitions" "^define[ \t]+\\([A-Za-z0-9_]+\\)" 1))
  "What imenu lists.")

;;;###autoload
(define-derived-mode sflow-mode prog-mode "sflow"
  "Scenarios of sipflow."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local syntax-propertize-function sflow--syntax-propertize)
  (setq-local font-lock-defaults '(sflow-words-font-lock))
  (setq-local electric-indent-chars (append "{})" electric-indent-chars))
  (setq-local indent-line-function #'sflow-indent-line)
  (setq-local imenu-generic-expression sflow--index))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.sflow\\'" . sflow-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs (cons 'sflow-mode sflow-server-command)))

(provide 'sflow-mode)
;;; sflow-mode.el ends here
