(* Laws on a compact set of vectors or matrices, as mean values of Lipschitz functions: what the    *)
(* theorems about uniformly random directions and rotations are stated with. On a compact set a     *)
(* linear, monotone, normalised functional on Lipschitz functions is integration against exactly    *)
(* one probability measure (Riesz), so no law is lost or gained; Coq's libraries lack that theorem  *)
(* and the measures, and the proofs need neither.                                                   *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Laws.
Variables (T : Type) (dist : T -> T -> R) (S : T -> Prop).
Implicit Types (f g : T -> R) (E : (T -> R) -> R).

Definition lipschitz K f := 0 <= K /\ forall x y, S x -> S y -> `|f x - f y| <= K * dist x y.
Definition lip f := exists K, lipschitz K f.

Record law_on E : Prop := LawOn {
  law_linear : forall a f g, lip f -> lip g -> E (fun x => a * f x + g x) = a * E f + E g;
  law_mono : forall f g, lip f -> lip g -> (forall x, S x -> f x <= g x) -> E f <= E g;
  law_one : E (fun=> 1) = 1 }.

(* No more than the mass b lies on V: continuous functions below the indicator of V have a mean of *)
(* at most b. (For open V this is P(V) <= b.)                                                       *)
Definition mass_at_most E (V : T -> Prop) b :=
  forall f, lip f -> (forall x, S x -> f x <= 1) -> (forall x, S x -> ~ V x -> f x <= 0) -> E f <= b.

Hypothesis dist_ge0 : forall x y, 0 <= dist x y.

Lemma lip_const c : lip (fun=> c).
Proof. by exists 0; split=> // x y _ _; rewrite subrr normr0 mul0r. Qed.

Lemma lip_lin a f g : lip f -> lip g -> lip (fun x => a * f x + g x).
Proof.
move=> [K [K0 fK]] [L [L0 gL]]; exists (`|a| * K + L); split.
  by rewrite addr_ge0 // mulr_ge0.
move=> x y Sx Sy; have -> : a * f x + g x - (a * f y + g y) = a * (f x - f y) + (g x - g y) by ring.
rewrite mulrDl; apply: le_trans (ler_norm_add _ _) (ler_add _ (gL _ _ Sx Sy)).
by rewrite normrM -mulrA ler_wpmul2l // fK.
Qed.

Lemma lip_ext f g : (forall x, S x -> f x = g x) -> lip f -> lip g.
Proof. by move=> fg [K [K0 fK]]; exists K; split=> // x y Sx Sy; rewrite -!fg // fK. Qed.

Lemma lip_scale a f : lip f -> lip (fun x => a * f x).
Proof. by move=> lf; apply: lip_ext (lip_lin a lf (lip_const 0)) => x _; rewrite addr0. Qed.

Lemma lip_sum (I : Type) (s : seq I) (P : pred I) (F : I -> T -> R) :
  (forall i, lip (F i)) -> lip (fun x => \sum_(i <- s | P i) F i x).
Proof.
move=> lF; elim: s => [|i s IH].
  by apply: lip_ext (lip_const 0) => x _; rewrite big_nil.
have [Pi|nPi] := boolP (P i).
  by apply: lip_ext (lip_lin 1 (lF i) IH) => x _; rewrite big_cons Pi mul1r.
by apply: lip_ext IH => x _; rewrite big_cons (negPf nPi).
Qed.

Lemma lip_abs f : lip f -> lip (fun x => `|f x|).
Proof.
move=> [K [K0 fK]]; exists K; split=> // x y Sx Sy.
by apply: le_trans (fK _ _ Sx Sy); exact: ler_dist_dist.
Qed.

Lemma lip_mul f g M : 0 <= M -> (forall x, S x -> `|f x| <= M) -> (forall x, S x -> `|g x| <= M) ->
  lip f -> lip g -> lip (fun x => f x * g x).
Proof.
move=> M0 fM gM [K [K0 fK]] [L [L0 gL]]; exists (M * L + M * K); split.
  by rewrite addr_ge0 // mulr_ge0.
move=> x y Sx Sy; have -> : f x * g x - f y * g y = f x * (g x - g y) + g y * (f x - f y) by ring.
rewrite mulrDl; apply: le_trans (ler_norm_add _ _) (ler_add _ _); rewrite normrM -mulrA.
  by apply: ler_pmul; rewrite ?fM ?gL.
by apply: ler_pmul; rewrite ?gM ?fK.
Qed.

Variable E : (T -> R) -> R.
Hypothesis LE : law_on E.

Lemma law_ext f g : lip f -> (forall x, S x -> f x = g x) -> E f = E g.
Proof.
move=> lf fg; have lg := lip_ext fg lf.
by apply/eqP; rewrite eq_le !(law_mono LE) // => x /fg ->.
Qed.

Lemma law_const c : E (fun=> c) = c.
Proof.
by have := law_linear LE (c - 1) (lip_const 1) (lip_const 1); rewrite (law_one LE) mulr1 subrK.
Qed.

Lemma law_scale a f : lip f -> E (fun x => a * f x) = a * E f.
Proof.
move=> lf; have := law_linear LE a lf (lip_const 0); rewrite law_const addr0 => <-.
by apply: law_ext => [|x _]; [exact: lip_scale|rewrite addr0].
Qed.

Lemma law_add f g : lip f -> lip g -> E (fun x => f x + g x) = E f + E g.
Proof.
move=> lf lg; have := law_linear LE 1 lf lg; rewrite mul1r => <-.
apply: law_ext => [|x _]; last by rewrite mul1r.
by apply: lip_ext (lip_lin 1 lf lg) => x _; rewrite mul1r.
Qed.

Lemma law_sum (I : Type) (s : seq I) (P : pred I) (F : I -> T -> R) : (forall i, lip (F i)) ->
  E (fun x => \sum_(i <- s | P i) F i x) = \sum_(i <- s | P i) E (F i).
Proof.
move=> lF; elim: s => [|i s IH].
  rewrite big_nil -[RHS]law_const; apply: law_ext; last by move=> x _; rewrite big_nil.
  exact: lip_sum.
have ls := lip_sum s P lF.
have l := lip_sum (i :: s) P lF.
have [Pi|nPi] := boolP (P i).
  rewrite big_cons Pi -IH -law_add //; apply: law_ext => [//|x _].
  by rewrite big_cons Pi.
by rewrite big_cons (negPf nPi) -IH; apply: law_ext => [//|x _]; rewrite big_cons (negPf nPi).
Qed.

Lemma law_le c f : lip f -> (forall x, S x -> f x <= c) -> E f <= c.
Proof. by move=> lf fc; rewrite -(law_const c); apply: (law_mono LE) => //; exact: lip_const. Qed.

Lemma law_ge c f : lip f -> (forall x, S x -> c <= f x) -> c <= E f.
Proof. by move=> lf fc; rewrite -(law_const c); apply: (law_mono LE) => //; exact: lip_const. Qed.
End Laws.

Section Sphere.
Variable d : nat.
Implicit Types (u v : 'cV[R]_d) (E : ('cV[R]_d -> R) -> R).

Definition sphere u := sqn u = 1.
Definition vdist u v : R := l2 (u - v).
Definition vlip := lip vdist sphere.

(* The uniform law on the unit sphere: the mean of every function is unchanged by rotations. *)
Definition uniform_on_sphere E := law_on vdist sphere E /\
  forall (A : 'M[R]_d) f, orthogonal A -> vlip f -> E (fun u => f (A *m u)) = E f.

Lemma vdist_ge0 u v : 0 <= vdist u v.
Proof. exact: l2_ge0. Qed.

Lemma entry_le_l2 u i : `|u i 0| <= l2 u.
Proof.
rewrite -(@ler_sqr _ `|u i 0|) ?nnegrE ?l2_ge0 // l2_sqr real_normK ?num_real // /sqn (bigD1 i) //=.
by rewrite ler_addl; apply: sumr_ge0 => j _; exact: sqr_ge0.
Qed.

Lemma lip_entry i : vlip (fun u => u i 0).
Proof.
exists 1; split=> // u v _ _; rewrite mul1r; have := entry_le_l2 (u - v) i.
by rewrite !mxE.
Qed.

Lemma lip_orth (A : 'M[R]_d) f : orthogonal A -> vlip f -> vlip (fun u => f (A *m u)).
Proof.
move=> oA [K [K0 fK]]; exists K; split=> // u v Su Sv.
have -> : vdist u v = vdist (A *m u) (A *m v) by rewrite /vdist -mulmxBr orth_l2.
by apply: fK; rewrite /sphere orth_sqn.
Qed.

Lemma entry_le1 u i : sphere u -> `|u i 0| <= 1.
Proof. by move=> u1; have := entry_le_l2 u i; rewrite /l2 u1 sqrtr1. Qed.

Lemma lip_entries i j : vlip (fun u => `|u i 0| * `|u j 0|).
Proof.
apply: (lip_mul (M := 1)) => // [u Su|u Su||].
- by rewrite normr_id entry_le1.
- by rewrite normr_id entry_le1.
- exact/lip_abs/lip_entry.
exact/lip_abs/lip_entry.
Qed.

(* On the sphere the cosine is the L1 norm over sqrt d, and 1-Lipschitz. *)
Lemma cosine_sphere u : sphere u -> cosine u = l1 u / Num.sqrt d%:R.
Proof. by move=> u1; rewrite /cosine /l2 u1 sqrtr1 mulr1. Qed.

Lemma l1_le_l2 u : l1 u <= Num.sqrt d%:R * l2 u.
Proof.
rewrite -(@ler_sqr _ (l1 u)) ?nnegrE ?l1_ge0 ?mulr_ge0 ?sqrtr_ge0 ?l2_ge0 //.
by rewrite exprMn sqr_sqrt_dim l2_sqr l1_sqr_le.
Qed.

Lemma l1_dist u v : `|l1 u - l1 v| <= l1 (u - v).
Proof.
rewrite /l1 -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => i _.
by rewrite !mxE; exact: ler_dist_dist.
Qed.

Lemma cosine_dist u v : sphere u -> sphere v -> `|cosine u - cosine v| <= vdist u v.
Proof.
move=> Su Sv; rewrite !cosine_sphere // -mulrBl normrM normfV (ger0_norm (sqrtr_ge0 _)).
have [d0|d0] := eqVneq (Num.sqrt d%:R) (0 : R).
  by rewrite d0 invr0 mulr0 vdist_ge0.
have sd : 0 < Num.sqrt d%:R :> R by rewrite lt0r d0 sqrtr_ge0.
rewrite ler_pdivr_mulr // mulrC; apply: le_trans (l1_dist u v) _.
exact: l1_le_l2.
Qed.

Lemma lip_cosine : vlip (@cosine _ d).
Proof. by exists 1; split=> // u v Su Sv; rewrite mul1r cosine_dist. Qed.

(* The squared cosine as a sum over pairs of entries. *)
Lemma beta_sphere u : sphere u -> beta u = d%:R^-1 * \sum_i \sum_j `|u i 0| * `|u j 0|.
Proof.
move=> u1; rewrite betaE_ u1 mulr1 mulrC; congr (_ * _).
by rewrite expr2 /l1 mulr_suml; apply: eq_bigr => i _; rewrite mulr_sumr.
Qed.

Lemma lip_beta : vlip (@beta _ d).
Proof.
apply: (lip_ext (f := fun u : 'cV_d => d%:R^-1 * \sum_i \sum_j `|u i 0| * `|u j 0|)).
  by move=> u Su; rewrite beta_sphere.
apply: lip_scale; apply: lip_sum => i; apply: lip_sum => j; exact: lip_entries.
Qed.
End Sphere.

Section Rotations.
Variable d : nat.
Implicit Types (A B : 'M[R]_d) (G : ('M[R]_d -> R) -> R).

(* Distance of matrices: the sum of the moduli of the entries of the difference. *)
Definition mdist A B : R := \sum_i \sum_j `|A i j - B i j|.
Definition mlip := lip mdist (@orthogonal _ d).

(* A law on the orthogonal group, and Haar's: unchanged by multiplication from the left. *)
Definition rotation_law G := law_on mdist (@orthogonal _ d) G.
Definition haar G := rotation_law G /\
  forall B f, orthogonal B -> mlip f -> G (fun A => f (B *m A)) = G f.

Lemma mdist_ge0 A B : 0 <= mdist A B.
Proof. by apply: sumr_ge0 => i _; apply: sumr_ge0. Qed.

(* A Lipschitz function of R k, for a fixed unit vector k, is a Lipschitz function of R. *)
Lemma lip_act (k : 'cV[R]_d) f : sphere k -> vlip f -> mlip (fun A => f (A *m k)).
Proof.
move=> k1 [K [K0 fK]]; exists K; split=> // A B oA oB.
apply: le_trans (fK _ _ _ _) _; rewrite /sphere ?orth_sqn //; apply: ler_wpmul2l => //.
rewrite /vdist -mulmxBl; apply: (@le_trans _ _ (l1 ((A - B) *m k))).
  rewrite -(@ler_sqr _ (l2 _)) ?nnegrE ?l1_ge0 ?l2_ge0 // l2_sqr.
  exact: sqn_le_l1_sqr.
apply: ler_sum => i _; rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _.
apply: ler_sum => j _; rewrite !mxE normrM ler_pimulr //; exact: entry_le1.
Qed.

(* IF-1, its first half: under Haar's law the image of a fixed unit vector is uniform. *)
Lemma haar_image G (k : 'cV[R]_d) : haar G -> sphere k ->
  uniform_on_sphere (fun f => G (fun A => f (A *m k))).
Proof.
move=> [LG inv] k1; split; last first.
  move=> A f oA lf; rewrite -(inv A (fun B => f (B *m k)) oA (lip_act k1 lf)).
  by apply: (law_ext LG); [exact: (lip_act k1 (lip_orth oA lf))|move=> B _; rewrite mulmxA].
split=> [a f g lf lg|f g lf lg fg|].
- by rewrite (law_linear LG) //; apply: lip_act.
- by apply: (law_mono LG); [exact: lip_act|exact: lip_act|move=> A oA; apply: fg; rewrite /sphere orth_sqn].
exact: (law_one LG).
Qed.
End Rotations.
