(* Orthogonal projections on the row space of a matrix, built from any inner
   inverse of its Gram matrix (the Moore-Penrose inverse is one), and what a
   least-squares fit leaves.  Helpers of KR-9 and RR-1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct Residual.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Lemma idem_factors (F : fieldType) n r (C : 'M[F]_(n, r)) (W : 'M[F]_(r, n)) :
  row_full C -> row_free W -> C *m W *m (C *m W) = C *m W -> W *m C = 1%:M.
Proof.
move=> /row_fullP[C' C'C] /row_freeP[W' WW'] idem.
have : C' *m (C *m W *m (C *m W)) *m W' = C' *m (C *m W) *m W' by rewrite idem.
by rewrite !mulmxA C'C mul1mx -!mulmxA WW' mulmx1.
Qed.

Lemma mxtrace_idem (F : numFieldType) n (P : 'M[F]_n) :
  P *m P = P -> \tr P = (\rank P)%:R.
Proof.
move=> idem; have WC : row_base P *m col_base P = 1%:M.
  by apply: idem_factors; rewrite ?col_base_full ?row_base_free // mulmx_base.
by rewrite -{1}[P]mulmx_base mxtrace_mulC WC mxtrace1.
Qed.

Section Frob.
Variable R : realFieldType.
Add Field frob_field : (mc_field_theory R).

Lemma frob2_ge0 m n (A : 'M[R]_(m, n)) : 0 <= frob2 A.
Proof. by rewrite frob2_rows; apply: sumr_ge0 => i _; apply: dot_ge0. Qed.

Lemma frob2D_orth m n (A B : 'M[R]_(m, n)) : A *m B^T = 0 ->
  frob2 (A + B) = frob2 A + frob2 B.
Proof.
move=> AB; have BA : B *m A^T = 0 by rewrite -[LHS]trmxK trmx_mul trmxK AB trmx0.
rewrite /frob2 linearD /= mulmxDl !mulmxDr AB BA addr0 add0r.
exact: mxtraceD.
Qed.

Lemma frob2N m n (A : 'M[R]_(m, n)) : frob2 (- A) = frob2 A.
Proof. by rewrite /frob2 linearN /= mulmxN mulNmx opprK. Qed.

Lemma frob2_tr m n (A : 'M[R]_(m, n)) : frob2 A^T = frob2 A.
Proof. by rewrite /frob2 trmxK mxtrace_mulC. Qed.

Lemma frob2Z m n (a : R) (A : 'M[R]_(m, n)) : frob2 (a *: A) = a ^+ 2 * frob2 A.
Proof. by rewrite /frob2 linearZ /= -scalemxAl -scalemxAr scalerA mxtraceZ expr2. Qed.

Lemma frob2_iso m n q (U : 'M[R]_(m, q)) (X : 'M[R]_(q, n)) :
  U^T *m U = 1%:M -> frob2 (U *m X) = frob2 X.
Proof.
by move=> UU; rewrite /frob2 trmx_mul -mulmxA mxtrace_mulC -!mulmxA UU mulmx1.
Qed.

Lemma frob2_gt0 m n (A : 'M[R]_(m, n)) : (0 < frob2 A) = (A != 0).
Proof.
rewrite lt_def frob2_ge0 andbT; congr (~~ _); apply/eqP/eqP => [|->]; first exact: frob2_eq0.
by rewrite /frob2 mul0mx mxtrace0.
Qed.

(* M any matrix, Sp an inner inverse of its Gram matrix. *)
Variables (m n : nat) (M : 'M[R]_(m, n)) (Sp : 'M[R]_m).
Let S := M *m M^T.
Hypothesis inner_inv : S *m Sp *m S = S.

Lemma gram_sym : S^T = S. Proof. by rewrite trmx_mul trmxK. Qed.

(* A matrix that vanishes against M^T and lies in M's rows is zero. *)
Lemma gram_cancel p (Z : 'M[R]_(p, n)) (Y : 'M[R]_(p, m)) :
  Z = Y *m M -> Z *m M^T = 0 -> Z = 0.
Proof.
move=> ZE ZM; apply: frob2_eq0; rewrite /frob2 {2}ZE trmx_mul mulmxA ZM mul0mx.
exact: mxtrace0.
Qed.

Lemma gram_left : S *m Sp *m M = M.
Proof.
apply/eqP; rewrite -subr_eq0; apply/eqP; apply: (@gram_cancel _ _ (S *m Sp - 1%:M)).
  by rewrite mulmxBl mul1mx.
by rewrite mulmxBl -(mulmxA (S *m Sp)) -/S inner_inv subrr.
Qed.

Lemma gram_left_tr : S *m Sp^T *m M = M.
Proof.
apply/eqP; rewrite -subr_eq0; apply/eqP; apply: (@gram_cancel _ _ (S *m Sp^T - 1%:M)).
  by rewrite mulmxBl mul1mx.
rewrite mulmxBl -(mulmxA (S *m Sp^T)) -/S; apply/eqP; rewrite subr_eq0; apply/eqP.
have := congr1 trmx inner_inv.
by rewrite (trmx_mul (S *m Sp) S) (trmx_mul S Sp) gram_sym mulmxA.
Qed.

Lemma gram_right : M^T *m Sp *m S = M^T.
Proof.
have := congr1 trmx gram_left_tr.
by rewrite (trmx_mul (S *m Sp^T) M) (trmx_mul S Sp^T) trmxK gram_sym mulmxA.
Qed.

(* The orthogonal projection on the row space of M. *)
Definition row_proj : 'M[R]_n := M^T *m Sp *m M.

Lemma row_proj_sym : row_proj^T = row_proj.
Proof.
have tr : row_proj^T = M^T *m Sp^T *m M by rewrite !trmx_mul trmxK mulmxA.
rewrite tr; transitivity (M^T *m Sp *m S *m Sp^T *m M); first by rewrite gram_right.
by rewrite -!(mulmxA (M^T *m Sp)) gram_left_tr.
Qed.

Lemma row_proj_idem : row_proj *m row_proj = row_proj.
Proof. by rewrite /row_proj !mulmxA -(mulmxA (M^T *m Sp)) gram_right. Qed.

Lemma mul_row_proj : M *m row_proj = M.
Proof. by rewrite /row_proj !mulmxA gram_left. Qed.

Lemma row_proj_rank : \rank row_proj = \rank M.
Proof.
apply/eqP; rewrite eqn_leq; apply/andP; split; first exact: mxrankM_maxr.
by rewrite -{1}mul_row_proj mxrankM_maxr.
Qed.

Lemma row_proj_trace : \tr row_proj = (\rank M)%:R.
Proof. by rewrite (mxtrace_idem row_proj_idem) row_proj_rank. Qed.

End Frob.

(* What an orthogonal projection P does to energies. *)
Section Split.
Variables (R : realFieldType) (n : nat) (P : 'M[R]_n).
Hypothesis Psym : P^T = P.
Hypothesis Pidem : P *m P = P.

Lemma proj_compl_sym : (1%:M - P)^T = 1%:M - P.
Proof. by rewrite linearB /= trmx1 Psym. Qed.

Lemma proj_compl_idem : (1%:M - P) *m (1%:M - P) = 1%:M - P.
Proof. by rewrite mulmxBr mulmx1 mulmxBl mul1mx Pidem subrr subr0. Qed.

Lemma proj_mul_compl : P *m (1%:M - P) = 0.
Proof. by rewrite mulmxBr mulmx1 Pidem subrr. Qed.

Lemma frob2_proj_split p (A : 'M[R]_(p, n)) :
  frob2 A = frob2 (A *m P) + frob2 (A *m (1%:M - P)).
Proof.
rewrite -frob2D_orth; first by rewrite -mulmxDr addrC subrK mulmx1.
by rewrite trmx_mul proj_compl_sym -!mulmxA (mulmxA P) proj_mul_compl mul0mx mulmx0.
Qed.

Lemma frob2_proj_compl p (A : 'M[R]_(p, n)) :
  frob2 (A *m (1%:M - P)) = \tr (A *m (1%:M - P) *m A^T).
Proof.
rewrite /frob2 trmx_mul proj_compl_sym; congr (\tr _).
by rewrite -(mulmxA A) (mulmxA (1%:M - P)) proj_compl_idem mulmxA.
Qed.

(* No combination of the rows of M, which lie in the range of P, is closer to A
   than the projection of A. *)
Lemma proj_best m p (M : 'M[R]_(m, n)) (A : 'M[R]_(p, n)) (B : 'M[R]_(p, m)) :
  M *m P = M ->
  frob2 (A - B *m M) = frob2 (A *m (1%:M - P)) + frob2 (A *m P - B *m M).
Proof.
move=> MP; rewrite -frob2D_orth; first by rewrite mulmxBr mulmx1 addrA subrK.
rewrite -{1}MP mulmxA -mulmxBl trmx_mul Psym -(mulmxA A) (mulmxA (1%:M - P)).
by rewrite mulmxBl mul1mx Pidem subrr mul0mx mulmx0.
Qed.

End Split.

(* Inner inverses exist. *)
Lemma inner_inverse_exists (F : fieldType) m (S : 'M[F]_m) : S *m pinvmx S *m S = S.
Proof. exact: mulmxKpV. Qed.
