(* MR-5, IF-1, GS-3 and what Haar attains in IF-3: the exact mean of beta over a random direction   *)
(* or a random rotation.                                                                              *)
From Coq Require Import Reals Lra.
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors CosineSums SphereLaws.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma quarter (x : R) : x = Rmult 2 (Rmult 2 (Rdiv x 4)).
Proof. lra. Qed.

Lemma halves (x : R) : 2^-1 * (x + x) = x.
Proof. by field. Qed.

Lemma csumE (f : nat -> R) m : csum f m = \sum_(j < m) f j.
Proof. by elim: m => [|m IH]; rewrite ?big_ord0 // big_ord_recr /= IH. Qed.

(* What is at most a multiple c of all ceilings, and at least of all floors, is 2 c / pi. *)
Lemma eq_two_over_pi (x c : R) :
  (forall m, (0 < m)%N -> cos_floor m * c <= x <= cos_ceiling m * c) -> x = c * (2 / PI).
Proof.
have p0 : PI != 0 by apply/eqP/PI_neq0.
move=> h; apply/eqP; rewrite eq_le -RdivE //; apply/andP; split; apply/RleP.
  by apply: le_of_ceilings => n; apply/RleP; rewrite RmultE mulrC; have /andP [] := h n.+1 isT.
by apply: ge_of_floors => n; apply/RleP; rewrite RmultE mulrC; have /andP [] := h n.+1 isT.
Qed.

(* The mean of |X cos + Y sin| over m equally spaced phases lies between floor and ceiling. *)
Definition phase (m j : nat) := j%:R * (PI / m%:R).

Lemma phase_mean m (X Y : R) : (0 < m)%N ->
  cos_floor m * Num.sqrt (X ^+ 2 + Y ^+ 2) <=
  (\sum_(j < m) `|X * cos (phase m j) + Y * sin (phase m j)|) / m%:R <=
  cos_ceiling m * Num.sqrt (X ^+ 2 + Y ^+ 2).
Proof.
move=> m0; have mn : m%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have := phase_mean_bounds m X Y (elimT ssrnat.ltP m0).
rewrite csumE !RpowE RsqrtE; last by rewrite addr_ge0 // sqr_ge0.
rewrite (eq_bigr (fun j : 'I_m => `|X * cos (phase m j) + Y * sin (phase m j)|)); last first.
  move=> j _; have e : Rdiv PI (INR m) = PI / m%:R by rewrite INRE RdivE.
  by rewrite e INRE.
rewrite RdivE ?INRE //.
by move=> [/RleP lo /RleP hi]; apply/andP; split; [exact: lo|exact: hi].
Qed.

Section Directions.
Variable d : nat.
Implicit Types (u v : 'cV[R]_d) (E : ('cV[R]_d -> R) -> R).

(* The reflection that turns the plane of the coordinates i and j by the angle b and flips it. *)
Definition mirror (i j : 'I_d) (a : R) : 'cV[R]_d := \col_k (cos a *+ (k == j) - sin a *+ (k == i)).
Definition reflection (n : 'cV[R]_d) : 'M[R]_d := 1%:M - 2 *: (n *m n^T).

Lemma reflectionE n u : reflection n *m u = u - (2 * dot n u) *: n.
Proof.
rewrite mulmxBl mul1mx -scalemxAl -mulmxA [n^T *m u]mx11_scalar -/(dot n u).
by rewrite mul_mx_scalar scalerA.
Qed.

Lemma reflection_orthogonal n : sqn n = 1 -> orthogonal (reflection n).
Proof.
move=> n1; have PP : (n *m n^T) *m (n *m n^T) = n *m n^T.
  by rewrite mulmxA -(mulmxA n) [n^T *m n]mx11_scalar -/(dot n n) -sqnE n1 mulmx1.
have AT : (reflection n)^T = reflection n by rewrite linearB linearZ /= trmx1 trmx_mul trmxK.
rewrite /orthogonal AT /reflection mulmxBl mul1mx mulmxBr mulmx1 -!scalemxAl -!scalemxAr PP !scalerA.
have -> : 2 * 2 = 2 + 2 :> R by ring.
by rewrite (scalerDl _ 2 2) opprB addrK subrK.
Qed.

Lemma sqn_mirror i j a : i != j -> sqn (mirror i j a) = 1.
Proof.
move=> ij; rewrite /sqn (bigD1 i) //= (bigD1 j) /=; last by rewrite eq_sym.
rewrite big1 ?addr0 => [|k /andP [ki kj]]; last by rewrite mxE (negPf ki) (negPf kj) subr0 expr0n.
rewrite !mxE !eqxx (negPf ij) eq_sym (negPf ij) subr0 sub0r sqrrN.
by have := sin2_cos2 a; rewrite /Rsqr !expr2.
Qed.

Lemma dot_mirror i j a u : i != j -> dot (mirror i j a) u = cos a * u j 0 - sin a * u i 0.
Proof.
move=> ij; rewrite dotE (bigD1 i) //= (bigD1 j) /=; last by rewrite eq_sym.
rewrite big1 ?addr0 => [|k /andP [ki kj]]; last by rewrite mxE (negPf ki) (negPf kj) subr0 mul0r.
by rewrite !mxE !eqxx (negPf ij) eq_sym (negPf ij) subr0 sub0r mulNr addrC.
Qed.

(* The product of the two coordinates after the reflection. *)
Lemma mirrored_product i j a b u : i != j -> b = Rmult 2 (Rmult 2 a) -> let w := reflection (mirror i j a) *m u in
  w i 0 * w j 0 = - (u i 0 * u j 0) * cos b + (u i 0 ^+ 2 - u j 0 ^+ 2) / 2 * sin b.
Proof.
move=> ij ba w; have one : 1 = cos a * cos a + sin a * sin a.
  by have := sin2_cos2 a; rewrite /Rsqr RplusE !RmultE addrC => ->.
have c2 : cos (Rmult 2 a) = cos a * cos a - sin a * sin a by rewrite cos_2a.
have s2 : sin (Rmult 2 a) = 2 * sin a * cos a by rewrite sin_2a.
have c4 : cos b = cos (Rmult 2 a) * cos (Rmult 2 a) - sin (Rmult 2 a) * sin (Rmult 2 a).
  by rewrite ba cos_2a.
have s4 : sin b = 2 * sin (Rmult 2 a) * cos (Rmult 2 a) by rewrite ba sin_2a.
have grow x : x = (cos a * cos a + sin a * sin a) * x by rewrite -one mul1r.
have wi : w i 0 = cos (Rmult 2 a) * u i 0 + sin (Rmult 2 a) * u j 0.
  rewrite /w reflectionE dot_mirror // !mxE eqxx (negPf ij) /= mulr0n mulr1n c2 s2.
  by rewrite {1}(grow (u i 0)); ring.
have wj : w j 0 = sin (Rmult 2 a) * u i 0 - cos (Rmult 2 a) * u j 0.
  rewrite /w reflectionE dot_mirror // !mxE eqxx eq_sym (negPf ij) /= mulr0n mulr1n c2 s2.
  by rewrite {1}(grow (u j 0)); ring.
by rewrite wi wj c4 s4; field.
Qed.

Variable E : ('cV[R]_d -> R) -> R.
Hypotheses (d0 : (0 < d)%N) (UE : uniform_on_sphere E).
Let LE : law_on (@vdist d) (@sphere d) E := UE.1.

Lemma lip_square i : vlip (fun u : 'cV[R]_d => u i 0 ^+ 2).
Proof.
apply: lip_ext (lip_entries i i) => u _.
by rewrite -normrM -expr2 ger0_norm ?sqr_ge0.
Qed.

Lemma mean_square i : E (fun u => u i 0 ^+ 2) = d%:R^-1.
Proof.
have same j : E (fun u => u j 0 ^+ 2) = E (fun u => u i 0 ^+ 2).
  have oP : orthogonal (perm_mx (tperm i j) : 'M[R]_d).
    by rewrite /orthogonal tr_perm_mx -perm_mxM mulVg perm_mx1.
  rewrite -(UE.2 _ _ oP (lip_square i)); apply: (law_ext LE) => [|u _]; first exact: lip_square.
  by rewrite -row_permE mxE tpermL.
have total : E (fun u => \sum_j u j 0 ^+ 2) = 1.
  rewrite -(law_one LE); apply: (law_ext LE) => [|u Su]; last by rewrite -/(sqn u) Su.
  by apply: lip_sum => j; exact: lip_square.
have dn : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
move: total; rewrite (law_sum LE); last by move=> j; exact: lip_square.
rewrite (eq_bigr _ (fun j _ => same j)) sumr_cst card_ord => total.
by rewrite -[LHS](mulKf dn) total mulr1.
Qed.

(* The mean product of two moduli, by averaging over reflections in the plane of i and j. *)
Lemma mean_product i j : i != j -> E (fun u => `|u i 0| * `|u j 0|) = d%:R^-1 * (2 / PI).
Proof.
move=> ij; apply: eq_two_over_pi => m m0; have mn : m%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
pose A k := reflection (mirror i j (Rdiv (phase m k) 4)).
pose f (u : 'cV[R]_d) := `|u i 0| * `|u j 0|.
have lf : vlip f := lip_entries i j.
have oA k : orthogonal (A k) by apply: reflection_orthogonal; exact: sqn_mirror.
have lfA k : vlip (fun u => f (A k *m u)) by exact: lip_orth.
have mean_f : E f = E (fun u => m%:R^-1 * \sum_(k < m) f (A k *m u)).
  rewrite (law_scale LE); last by apply: lip_sum => k; exact: lfA.
  rewrite (law_sum LE); last by move=> k; exact: lfA.
  rewrite (eq_bigr (fun=> E f)) => [|k _]; last exact: (UE.2 _ _ (oA k) lf).
  by rewrite sumr_cst card_ord mulKf.
have half u : Num.sqrt ((- (u i 0 * u j 0)) ^+ 2 + ((u i 0 ^+ 2 - u j 0 ^+ 2) / 2) ^+ 2) =
              (u i 0 ^+ 2 + u j 0 ^+ 2) / 2.
  rewrite (_ : _ + _ = ((u i 0 ^+ 2 + u j 0 ^+ 2) / 2) ^+ 2); last by field.
  by rewrite sqrtr_sqr ger0_norm // divr_ge0 ?ler0n // addr_ge0 // sqr_ge0.
have fA u k : f (A k *m u) =
    `|- (u i 0 * u j 0) * cos (phase m k) + (u i 0 ^+ 2 - u j 0 ^+ 2) / 2 * sin (phase m k)|.
  by rewrite /f -normrM (mirrored_product (b := phase m k)) //; exact: quarter.
pose q (u : 'cV[R]_d) : R := 2^-1 * (u i 0 ^+ 2 + u j 0 ^+ 2).
have lq : vlip q.
  apply: lip_scale; apply: lip_ext (lip_lin 1 (lip_square i) (lip_square j)) => u _.
  by rewrite mul1r.
have Eq c : E (fun u => c * q u) = c * d%:R^-1.
  rewrite (law_scale LE) // /q (law_scale LE); last first.
    by apply: lip_ext (lip_lin 1 (lip_square i) (lip_square j)) => u _; rewrite mul1r.
  rewrite (law_add LE); [|exact: lip_square|exact: lip_square].
  by rewrite !mean_square halves.
have lav : vlip (fun u => m%:R^-1 * \sum_(k < m) f (A k *m u)).
  by apply: lip_scale; apply: lip_sum => k; exact: lfA.
have between (u : 'cV[R]_d) : cos_floor m * q u <= m%:R^-1 * (\sum_(k < m) f (A k *m u)) <= cos_ceiling m * q u.
  pose X := - (u i 0 * u j 0); pose Y := (u i 0 ^+ 2 - u j 0 ^+ 2) / 2.
  have := phase_mean X Y m0; rewrite /X /Y.
  rewrite half /q [2^-1 * _]mulrC [m%:R^-1 * _]mulrC.
  by rewrite [X in _ <= X / _ <= _](eq_bigr (fun k : 'I_m => f (A k *m u))) // => k _; rewrite fA.
rewrite -/f mean_f -!Eq; apply/andP; split; apply: (law_mono LE) => //; try exact: lip_scale.
  by move=> u _; have /andP [] := between u.
by move=> u _; have /andP [] := between u.
Qed.

(* MR-5. For a uniformly random direction in R^d the mean of beta is exactly 2/pi + (1 - 2/pi)/d. *)
Theorem MR_5_a_mean_beta : E (@beta _ d) = 2 / PI + (1 - 2 / PI) / d%:R.
Proof.
have dn : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite (law_ext LE (g := fun u => d%:R^-1 * \sum_i \sum_j `|u i 0| * `|u j 0|)); first last.
- by move=> u Su; rewrite beta_sphere.
- exact: lip_beta.
have ls i : vlip (fun u => \sum_j `|u i 0| * `|u j 0|) by apply: lip_sum => j; exact: lip_entries.
rewrite (law_scale LE); last by apply: lip_sum => i; exact: ls.
rewrite (law_sum LE); last by move=> i; exact: ls.
rewrite (eq_bigr (fun=> d%:R^-1 + (d%:R - 1) * (d%:R^-1 * (2 / PI)))) => [|i _].
  by rewrite sumr_cst card_ord mulKf //; move: (2 / PI) => t; field; rewrite dn.
rewrite (law_sum LE) => [|j]; last exact: lip_entries.
rewrite (bigD1 i) //=; congr (_ + _).
  rewrite -(mean_square i); apply: (law_ext LE) => [|u _]; first exact: lip_entries.
  by rewrite -normrM -expr2 ger0_norm ?sqr_ge0.
rewrite (eq_bigr (fun=> d%:R^-1 * (2 / PI))) => [|j ji]; last by rewrite mean_product // eq_sym.
rewrite sumr_const cardC1 card_ord -[LHS]mulr_natl; congr (_ * _).
by rewrite -subn1 natrB.
Qed.
End Directions.

Section Rotations.
Variable d : nat.
Hypothesis d0 : (0 < d)%N.

(* The value of MR-5. *)
Definition floor_beta := 2 / PI + (1 - 2 / PI) / d%:R.

Lemma beta_unit (A : 'M[R]_d) (k : 'cV[R]_d) : k != 0 -> beta (A *m k) = beta (A *m ((l2 k)^-1 *: k)).
Proof.
by move=> k0; rewrite /beta -scalemxAr cosineZ // invr_eq0 l2_eq0.
Qed.

Lemma unit_sphere (k : 'cV[R]_d) : k != 0 -> sphere ((l2 k)^-1 *: k).
Proof. by move=> k0; rewrite /sphere sqnZ exprVn l2_sqr mulVf // sqn_eq0. Qed.

(* IF-1. A Haar-distributed rotation brings every fixed key, whatever it is, to this mean of beta. *)
Theorem IF_1_haar_rotation_of_a_fixed_key G (k : 'cV[R]_d) : haar G -> k != 0 ->
  G (fun A => beta (A *m k)) = floor_beta.
Proof.
move=> hG k0; rewrite /floor_beta -(MR_5_a_mean_beta d0 (haar_image hG (unit_sphere k0))).
apply: (law_ext hG.1) => [|A _]; last exact: beta_unit.
apply: lip_ext (lip_act (unit_sphere k0) (@lip_beta d)) => A _.
by rewrite [RHS]beta_unit.
Qed.

(* Towards IF-3, which Deferred.v states: given the uniform law on the sphere, no random rotation    *)
(* with finitely many values guarantees every key a mean beta above that value.                        *)
Lemma no_rotation_guarantees_more (E : ('cV[R]_d -> R) -> R) (T : finType) (p : T -> R) (A : T -> 'M[R]_d) b :
  uniform_on_sphere E -> (forall t, 0 <= p t) -> \sum_t p t = 1 -> (forall t, orthogonal (A t)) ->
  (forall k : 'cV[R]_d, k != 0 -> b <= \sum_t p t * beta (A t *m k)) -> b <= floor_beta.
Proof.
move=> UE p0 p1 oA hb; have LE := UE.1.
have lA t : vlip (fun k : 'cV[R]_d => p t * beta (A t *m k)).
  by apply: lip_scale; exact: (lip_orth (oA t) (@lip_beta d)).
have <- : E (fun k => \sum_t p t * beta (A t *m k)) = floor_beta.
  rewrite (law_sum LE) // (eq_bigr (fun t => p t * floor_beta)) => [|t _].
    by rewrite -mulr_suml p1 mul1r.
  rewrite (law_scale LE); last exact: (lip_orth (oA t) (@lip_beta d)).
  by rewrite (UE.2 _ _ (oA t) (@lip_beta d)) (MR_5_a_mean_beta d0 UE).
apply: (law_ge LE) => [|k Sk]; first exact: lip_sum.
apply: hb; rewrite -sqn_eq0; move: Sk; rewrite /sphere => ->; exact: oner_neq0.
Qed.

(* IF-3. Haar's law attains the value, for every key. *)
Theorem IF_3_b_haar_attains (G : ('M[R]_d -> R) -> R) b : haar G ->
  (forall k : 'cV[R]_d, k != 0 -> b <= G (fun A => beta (A *m k))) <-> b <= floor_beta.
Proof.
move=> hG; split=> [h|h k k0]; last by rewrite IF_1_haar_rotation_of_a_fixed_key.
have k0 : const_mx 1 != 0 :> 'cV[R]_d.
  apply/eqP => /matrixP /(_ (Ordinal d0) 0); rewrite !mxE => /eqP; by rewrite oner_eq0.
by rewrite -(IF_1_haar_rotation_of_a_fixed_key hG k0); exact: h.
Qed.

(* GS-3, for beta. Averaged over Haar's rotations, the mean beta of any keys is at least 2/pi, and so *)
(* at least 2/pi of the mean beta that any rotation, learned or not, can reach. (The catalogue has     *)
(* sqrt(2/pi) for the mean cosine as well.)                                                            *)
Theorem GS_3_a_random_is_nearly_best G N (k : 'I_N -> 'cV[R]_d) (Best : 'M[R]_d) : haar G ->
  (forall n, k n != 0) -> orthogonal Best ->
  2 / PI * ((\sum_n beta (Best *m k n)) / N%:R) <= G (fun A => (\sum_n beta (A *m k n)) / N%:R).
Proof.
move=> hG k0 _; have lk n : mlip (fun A => beta (A *m k n)).
  by apply: lip_ext (lip_act (unit_sphere (k0 n)) (@lip_beta d)) => A _; rewrite [RHS]beta_unit.
have p0 : 0 <= 2 / PI by rewrite divr_ge0 ?ler0n //; apply/RleP/Rlt_le/PI_RGT_0.
have p1 : 2 / PI <= 1.
  rewrite ler_pdivr_mulr ?mul1r; last exact/RltP/PI_RGT_0.
  have h : Rle (IZR 2) PI by have := PI2_1; lra.
  by apply/RleP; exact: h.
have -> : G (fun A => (\sum_n beta (A *m k n)) / N%:R) = (\sum_(n < N) floor_beta) / N%:R.
  transitivity (G (fun A => N%:R^-1 * \sum_n beta (A *m k n))).
    apply: (law_ext hG.1) => [|A _]; rewrite 1?mulrC //.
    by apply: lip_ext (lip_scale _ (lip_sum _ _ lk)) => A _; rewrite mulrC.
  rewrite (law_scale hG.1); last exact: lip_sum.
  rewrite (law_sum hG.1) // mulrC; congr (_ / _); apply: eq_bigr => n _.
  exact: IF_1_haar_rotation_of_a_fixed_key.
rewrite mulrA ler_wpmul2r ?invr_ge0 ?ler0n // mulr_sumr; apply: ler_sum => n _.
apply: (@le_trans _ _ (2 / PI)); first by rewrite ler_pimulr // beta_le1.
by rewrite /floor_beta ler_addl divr_ge0 ?ler0n // subr_ge0.
Qed.
End Rotations.
